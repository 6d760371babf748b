"""The catalogue that comes with the package: declared from, and its dates taken."""

from __future__ import annotations

import msgspec

from adapterctl.jobs.inputs.base_entry import AddedBase, declare, no_files
from adapterctl.jobs.project import Project
from adapterctl.records.catalogue import CatalogueEntry
from adapterctl.records.lifecycle import Naming, Observation
from adapterctl.records.noun import Noun
from adapterctl.rules.names.renames import unheard
from adapterctl.stores.catalogue import namings, observations


class Started(Noun, frozen=True, kw_only=True):
    """What became of one feed's part of the catalogue.

    Attributes:
        recorded: lines that the ledger begins with; 0 where it had begun before.
        seen_on: the day of the snapshot that they are of.
        written: files with new lines, relative to the project.
    """

    feed: str
    recorded: int
    seen_on: str
    written: list[str] = []


def add_known(project: Project, known: CatalogueEntry) -> AddedBase:
    """Declares a base as the catalogue knows it: without a revision, which is still to be pinned.

    Raises:
        InvalidInput: another base is declared under this name.
    """
    base = msgspec.structs.replace(known.declared(), added=project.today.isoformat())
    return declare(project, base, files=no_files)


def start(project: Project) -> list[Started]:
    """Begins the ledgers that have no line yet with what the catalogue knows.

    The lines are those that `lifecycle import` writes: a later import of the same feed finds them
    unchanged, moved or vanished. A ledger that was begun is left alone.
    """
    project.registry.must_exist()
    named = namings()
    return [
        _begun(project, feed, lines, names=named.get(feed, []))
        for feed, lines in observations().items()
    ]


def _begun(
    project: Project, feed: str, lines: list[Observation], *, names: list[Naming]
) -> Started:
    seen_on = max(line.seen_on for line in lines)
    registry = project.registry
    if registry.observations_of(feed):
        return Started(feed=feed, recorded=0, seen_on=seen_on)
    written = [registry.append_observations(feed, *lines)]
    new = unheard(names, registry.namings())
    if new:
        written.append(registry.append_namings(feed, *new))
    return Started(
        feed=feed,
        recorded=len(lines),
        seen_on=seen_on,
        written=[path.relative_to(project.root).as_posix() for path in written],
    )
