"""What changed between two versions, from their records alone."""

from __future__ import annotations

from adapterctl.jobs.project import Project
from adapterctl.rules.version_diff import VersionDiff
from adapterctl.rules.version_diff import diff as differences


def diff(project: Project, before: str, after: str) -> VersionDiff:
    """Returns what is different between two versions, of one adapter or of two.

    Args:
        project: where.
        before: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        after: likewise.

    Raises:
        AdapterctlError: no such adapter, version or alias, or a record cannot be read.
    """
    old, new = (
        project.registry.any_record(*project.version_of(wanted)) for wanted in (before, after)
    )
    return differences(old, new)
