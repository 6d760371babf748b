"""Bringing MLflow in line with the registry: runs, versions, tags, aliases."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from adapterctl.jobs import filing
from adapterctl.jobs.project import Project
from adapterctl.rules.aliases import aliases, is_retired


@dataclass(frozen=True, kw_only=True)
class Synced:
    """What one adapter needed: the versions replayed now, and its aliases."""

    adapter: str
    replayed: tuple[int, ...]
    versions: int
    aliases: dict[str, int]


def sync(project: Project) -> list[Synced]:
    """Replays every record that MLflow lacks, and sets its aliases; safe to repeat.

    Raises:
        Unreachable: MLflow does not answer.
        Mismatch: MLflow holds another version under a number of ours.
    """
    names = [name for name in project.registry.adapters() if project.registry.versions(name)]
    return [_sync(project, name) for name in names]


def _sync(project: Project, adapter: str) -> Synced:
    versions = project.registry.versions(adapter)
    digests = [
        (v, hashlib.sha256(project.registry.record_bytes(adapter, v)).hexdigest()) for v in versions
    ]
    missing = project.mirror.missing(adapter, digests)
    for done, version in enumerate(missing, start=1):
        record = project.registry.record(adapter, version)
        project.mirror.mirror(filing.entry(project, record, folder=None))
        project.display.progress(f"replaying {adapter}", done, len(missing))
    events = project.registry.events(adapter)
    held = aliases(events)
    project.mirror.set_aliases(adapter, held)
    if is_retired(events):
        project.mirror.tag(adapter, versions[-1], {"adapterctl.state": "retired"})
    return Synced(adapter=adapter, replayed=tuple(missing), versions=len(versions), aliases=held)
