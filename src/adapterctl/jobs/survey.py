"""How every adapter stands today, read from ``registry/`` alone.

What cannot be read is skipped with its reason, and the rest is still read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from adapterctl.errors import AdapterctlError, NotFound
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.base import Base
from adapterctl.records.glance import Build, Glance
from adapterctl.records.lifecycle import Observation
from adapterctl.records.recipe import Recipe
from adapterctl.rules.adoption.adopted import Declared
from adapterctl.rules.aliases import aliases
from adapterctl.rules.findings import Skipped, skipped
from adapterctl.rules.glances import glance
from adapterctl.rules.lifecycle import Almanac
from adapterctl.rules.standing import Standing, base_of, served, stand, teams_of
from adapterctl.stores.registry import RECIPE, KeptGlances, versions_in

T = TypeVar("T")

FEW = 200
"""So many adapters are read in no time, and nothing is kept of them."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Adapter versions as they stand, and what could not be read.

    Attributes:
        unregistered: adapters that have a recipe and no version yet.
        retired: names of adapters that were retired.
    """

    standings: list[Standing]
    unregistered: list[Glance]
    retired: list[str]
    skipped: list[Skipped]
    almanac: Almanac


@dataclass(frozen=True, kw_only=True)
class Whole:
    """One version with all that is recorded of it, and its adapter's recipe of today."""

    standing: Standing
    record: AnyRecord
    recipe: Recipe | None


def survey(project: Project, *, every: bool = False) -> Survey:
    """Reads the versions that hold an alias, else the newest; with ``every``, every one."""
    reader = _Reader(project)
    glances = list(reader.glances(every=every))
    live = [each for each in glances if not each.retired]
    almanac = reader.almanac(live)
    look = _look(project, almanac)
    return Survey(
        standings=[standing for each in live for standing in look.standings(each)],
        unregistered=[each for each in live if each.choice and not each.newest],
        retired=[each.adapter for each in glances if each.retired],
        skipped=reader.skipped,
        almanac=almanac,
    )


def standing_of(project: Project, adapter: str, version: int) -> tuple[Whole, list[Skipped]]:
    """Returns how one version stands, retired or not, with all that is recorded of it.

    Raises:
        NotFound: no such version.
    """
    reader = _Reader(project)
    record = project.registry.any_record(adapter, version)
    found = reader.glance(adapter, also=record)
    almanac = reader.almanac([found])
    look = _look(project, almanac)
    standing = next(one for one in look.standings(found) if one.version == version)
    return Whole(standing=standing, record=record, recipe=reader.recipe), reader.skipped


def whole(project: Project, standing: Standing) -> Whole:
    """Returns a version of a survey with all that is recorded of it.

    Raises:
        AdapterctlError: its record cannot be read any more.
    """
    record = project.registry.any_record(standing.adapter, standing.version)
    reader = _Reader(project)
    reader.read_recipe(standing.adapter, project.registry.names_in(standing.adapter))
    return Whole(standing=standing, record=record, recipe=reader.recipe)


def cut(found: Survey, *, base: str | None = None, owner: str | None = None) -> Survey:
    """Returns the part of a survey that is about one base or one team's adapters.

    What could not be read stays: nobody knows whose it is.

    Raises:
        NotFound: no adapter is on that base, and it is not known either; or no adapter is that
            team's. A misspelt name must not look like a clean answer.
    """
    waiting = [(one, one.choice) for one in found.unregistered if one.choice]
    if base is not None and base not in found.almanac.bases:
        _must_know("base", base, {one.base for one in found.standings})
    if owner is not None:
        teams = {team for one in found.standings for team in one.owners}
        teams.update(team for _, choice in waiting for team in teams_of(choice.owners))
        _must_know("owner", owner, teams)
    return replace(
        found,
        standings=[
            one
            for one in found.standings
            if base in {None, one.base} and (owner is None or owner in one.owners)
        ],
        unregistered=[
            one
            for one, choice in waiting
            if base in {None, choice.base} and (owner is None or owner in teams_of(choice.owners))
        ],
    )


def not_registered(waiting: Iterable[Glance]) -> list[Skipped]:
    """Returns why adapters without a version cannot be judged."""
    return [
        Skipped(
            subject=f"adapter:{each.adapter}",
            reason="not registered: it has a recipe and no version",
            mend=f"adapterctl register registry/adapters/{each.adapter}/recipe.yaml",
        )
        for each in waiting
    ]


def _must_know(what: str, name: str, known: set[str]) -> None:
    if name not in known:
        hint = f"known: {', '.join(sorted(known)) or 'none'}"
        raise NotFound(f"no adapter has the {what} {name!r}", hint=hint)


class _Reader:
    """Reads the registry, collecting what could not be read."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.registry = project.registry
        self.skipped: list[Skipped] = []
        self.recipe: Recipe | None = None

    def glances(self, *, every: bool) -> Iterator[Glance]:
        """Yields a glance at each adapter, in order of name; those kept are not made again."""
        adapters = self.registry.adapters()
        if len(adapters) < FEW:
            yield from (self.glance(adapter, every=every) for adapter in adapters)
            return
        shelf = KeptGlances(self.project.root, self.project.private / "glances", every=every)
        for adapter in adapters:
            yield shelf.get(adapter) or self._made(adapter, shelf, every=every)
        shelf.write()

    def _made(self, adapter: str, shelf: KeptGlances, *, every: bool) -> Glance:
        """Makes a glance and keeps it, unless something could not be read."""
        unread = len(self.skipped)
        made = self.glance(adapter, every=every)
        if len(self.skipped) == unread:
            versions = [build.version for build in made.builds]
            shelf.put(made, self.registry.files_of(adapter, versions, self.recipe))
        return made

    def glance(self, adapter: str, *, every: bool = False, also: AnyRecord | None = None) -> Glance:
        """Returns a glance at one adapter; ``also`` is looked at, alias or not."""
        names = self.registry.names_in(adapter)
        numbers = versions_in(names)
        events = self._read(f"adapter:{adapter}", lambda: self.registry.events(adapter)) or []
        recipe = self.read_recipe(adapter, names)
        wanted = set(numbers if every else aliases(events).values() or numbers[-1:])
        given = {also.version: also} if also else {}
        read = {number: self._record(adapter, number) for number in wanted - given.keys()}
        return glance(
            adapter,
            recipe=recipe,
            records=[one for one in {**given, **read}.values() if one],
            events=events,
            newest=max(numbers, default=0),
        )

    def read_recipe(self, adapter: str, names: Sequence[str]) -> Recipe | None:
        """Returns today's recipe, if there is one among the adapter's files that can be read."""
        instead = "; judged by the recipe of its record" if versions_in(names) else ""
        self.recipe = None
        if RECIPE in names:
            self.recipe = self._read(
                f"adapter:{adapter}", lambda: self.registry.recipe(adapter), instead=instead
            )
        return self.recipe

    def _record(self, adapter: str, number: int) -> AnyRecord | None:
        return self._read(
            f"adapter:{adapter}@{number}", lambda: self.registry.any_record(adapter, number)
        )

    def almanac(self, glances: Sequence[Glance]) -> Almanac:
        """Returns what is known of the bases in use and of those named to succeed them."""
        observations = self.registry.observations()
        known = set(self.registry.bases())
        used = {each.choice.base for each in glances if each.choice}
        used.update(build.base for each in glances for build in each.builds if not build.adopted)
        # An adopted version means a base by any of its names: every file has to be looked at.
        if any(build.adopted for each in glances for build in each.builds):
            used.update(known)
        bases = self._bases(used)
        # Who follows a base may be stated by any of its names, and has successors in turn.
        if _successors(observations, bases) - used:
            bases.update(self._bases(known - used))
        return Almanac(observations, bases, namings=self.registry.namings())

    def _bases(self, names: Iterable[str]) -> dict[str, Base]:
        found = {name: self._base(name) for name in sorted(names)}
        return {name: base for name, base in found.items() if base is not None}

    def _base(self, name: str) -> Base | None:
        return self._read(f"base:{name}", lambda: self.registry.base(name))

    def _read(self, subject: str, read: Callable[[], T], *, instead: str = "") -> T | None:
        try:
            return read()
        except AdapterctlError as error:
            self.skipped.append(skipped(subject, error, instead=instead))
        except OSError as error:
            unreadable = AdapterctlError(f"cannot read {error.filename}: {error.strerror}")
            self.skipped.append(skipped(subject, unreadable, instead=instead))
        return None


def _successors(observations: Iterable[Observation], bases: dict[str, Base]) -> set[str]:
    stated = {seen.successor for seen in observations if seen.successor}
    return stated | {name for base in bases.values() for name in base.successors}


def _look(project: Project, almanac: Almanac) -> _Look:
    declared = Declared(almanac.bases.values(), almanac.renames)
    return _Look(project=project, almanac=almanac, declared=declared)


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What glances are completed with: the day, the dates and the bases."""

    project: Project
    almanac: Almanac
    declared: Declared

    def standings(self, glance: Glance) -> Iterator[Standing]:
        """Yields how the versions that were looked at stand."""
        numbers = [build.version for build in glance.builds]
        leader = glance.aliases.get("champion")
        leader = leader if leader in numbers else max(numbers, default=None)
        for build in glance.builds:
            yield self._standing(glance, build, leads=build.version == leader)

    def _standing(self, glance: Glance, build: Build, *, leads: bool) -> Standing:
        choice = glance.choice or build.choice
        record, meant, base = build.adopted, None, build.base
        if record is not None:
            meant = self.declared.meant_by(record.base)
            base = base_of(record, meant)
        status = self.almanac.status_on(
            self.project.today,
            base=base,
            serving=served(build, choice),
            lead_days=max(self.project.policy.lead_time_days, glance.move_days or 0),
            hosted=record is not None and record.hosted is not None,
        )
        return stand(
            glance.adapter,
            build,
            choice=choice,
            status=status,
            meant=meant,
            aliases=[name for name, holder in glance.aliases.items() if holder == build.version],
            leads=leads,
            passed=_passed(glance, instead_of=base),
            data_removed=build.version in glance.removed,
            evaluated_at=glance.evaluated.get(build.version),
            reproduced_at=glance.reproduced.get(build.version),
        )


def _passed(glance: Glance, *, instead_of: str) -> int | None:
    """Returns the candidate if it passed its gate on another base."""
    candidate = glance.aliases.get("candidate")
    for build in glance.builds:
        if build.version == candidate and build.rebuilt and build.rebuilt.verdict == "PASS":
            return build.version if build.base != instead_of else None
    return None
