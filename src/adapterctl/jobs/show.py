"""One adapter version with everything that is pinned."""

from __future__ import annotations

from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import standing_of
from adapterctl.rules.findings import Skipped
from adapterctl.rules.standing import Shown, shown


def show(project: Project, wanted: str) -> tuple[Shown, list[Skipped]]:
    """Returns the version that ``NAME``, ``NAME@3`` or ``NAME@champion`` means.

    Raises:
        AdapterctlError: no such adapter, version or alias, or its record cannot be read.
    """
    adapter, version = project.version_of(wanted)
    found, skipped = standing_of(project, adapter, version)
    return shown(found.standing, found.record), skipped
