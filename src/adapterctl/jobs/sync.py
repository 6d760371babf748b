"""Bringing MLflow in line with the registry: runs, versions, tags, aliases."""

from __future__ import annotations

from dataclasses import dataclass

from adapterctl.jobs import filing
from adapterctl.jobs.project import Project
from adapterctl.rules.aliases import aliases


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
    replayed = filing.bring_in_line(project, adapter)
    return Synced(
        adapter=adapter,
        replayed=replayed,
        versions=len(project.registry.versions(adapter)),
        aliases=aliases(project.registry.events(adapter)),
    )
