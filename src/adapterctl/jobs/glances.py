"""Glances at all adapters: kept since they were last read, or read, by several processes if many.

What cannot be read is skipped with its reason, and nothing is kept of that adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from adapterctl.jobs.lenient import Lenient
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.glance import Compact, Glance
from adapterctl.records.recipe import Recipe
from adapterctl.rules.aliases import aliases, serving, tried
from adapterctl.rules.findings import Skipped
from adapterctl.rules.glances import glance
from adapterctl.stores.copies import beside, shared
from adapterctl.stores.registry import RECIPE, FolderRegistry, KeptGlances, versions_in

FEW = 200
"""So many adapters are read in no time, and nothing is kept of them."""

MANY = 1_500
"""From so many on, several processes are faster than one."""


class Made(Compact, frozen=True, kw_only=True, gc=False):
    """A glance, what could not be read for it, and the files that it was made from."""

    glance: Glance
    skipped: list[Skipped]
    files: list[str]


def glances(project: Project, *, every: bool) -> tuple[list[Glance], list[Skipped]]:
    """Returns a glance at each adapter, in order of name, and what could not be read.

    Args:
        project: where.
        every: at every version, not only at those that hold an alias or serve.
    """
    adapters = project.registry.adapters()
    if len(adapters) < FEW:
        made = [glance_at(project.registry, adapter, every=every) for adapter in adapters]
        return [each.glance for each in made], [one for each in made for one in each.skipped]
    place = project.registry.folder / "adapters"
    unread: list[Skipped] = []
    with KeptGlances(place, project.private / "glances", every=every) as shelf:
        found = shelf.those_of(adapters, beside)
        missing = [adapter for adapter, kept in found.items() if kept is None]
        for each in _made(project, missing, every=every):
            found[each.glance.adapter] = each.glance
            unread += each.skipped
            if not each.skipped:
                shelf.put(each.glance, each.files)
        shelf.write()
    return [each for each in found.values() if each is not None], unread


def _made(project: Project, adapters: Sequence[str], *, every: bool) -> Iterator[Made]:
    make = partial(_made_of, project.registry, every=every)
    if len(adapters) < MANY:
        yield from msgspec.msgpack.decode(make(adapters), type=list[Made])
        return
    done = 0
    for part in shared(make, adapters):
        made = msgspec.msgpack.decode(part, type=list[Made])
        yield from made
        done += len(made)
        project.display.progress("reading", done, len(adapters))


def _made_of(registry: FolderRegistry, adapters: Sequence[str], *, every: bool) -> bytes:
    """Returns what is made of adapters as bytes, which go from one process to another."""
    return msgspec.msgpack.encode([glance_at(registry, each, every=every) for each in adapters])


def glance_at(
    registry: FolderRegistry, adapter: str, *, every: bool = False, also: AnyRecord | None = None
) -> Made:
    """Returns a glance at one adapter; ``also`` is looked at, alias or not."""
    reader, subject = Lenient(), f"adapter:{adapter}"
    names = registry.names_in(adapter)
    numbers = versions_in(names)
    events = reader.read(subject, partial(registry.events, adapter)) or []
    recipe = recipe_of(registry, adapter, names, reader=reader)
    held = aliases(events)
    told = filter(None, [serving(held, numbers, tried=tried(events))])
    wanted = set(numbers) if every else {*held.values(), *told}
    given = {also.version: also} if also else {}
    read = {
        number: reader.read(f"{subject}@{number}", partial(registry.any_record, adapter, number))
        for number in sorted(wanted - given.keys())
    }
    records = [one for one in {**given, **read}.values() if one]
    found = glance(
        adapter,
        recipe=recipe,
        records=records,
        events=events,
        newest=max(numbers, default=0),
    )
    versions = [record.version for record in records]
    files = list(registry.files_of(adapter, versions, recipe))
    return Made(glance=found, skipped=reader.skipped, files=files)


def recipe_of(
    registry: FolderRegistry, adapter: str, names: Sequence[str], *, reader: Lenient
) -> Recipe | None:
    """Returns today's recipe, if there is one among the adapter's files that can be read."""
    if RECIPE not in names:
        return None
    instead = "; judged by the recipe of its record" if versions_in(names) else ""
    return reader.read(f"adapter:{adapter}", partial(registry.recipe, adapter), instead=instead)
