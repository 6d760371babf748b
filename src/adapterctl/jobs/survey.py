"""How every adapter stands today, read from ``registry/`` alone.

What cannot be read is skipped with its reason, and the rest is still read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from adapterctl.errors import AdapterctlError, NotFound
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AdoptedVersion, AnyRecord
from adapterctl.records.base import Base
from adapterctl.records.event import Event, EventKind
from adapterctl.records.lifecycle import Observation
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.adopted import Declared
from adapterctl.rules.aliases import aliases, is_retired
from adapterctl.rules.findings import Skipped, skipped
from adapterctl.rules.lifecycle import Almanac, Status, lead_time
from adapterctl.rules.removal import REMOVED
from adapterctl.rules.standing import Standing, base_of, owners_of, served

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Adapter versions as they stand, and what could not be read.

    Attributes:
        unregistered: recipes of adapters that have no version yet.
        retired: names of adapters that were retired.
    """

    standings: list[Standing]
    unregistered: list[Recipe]
    retired: list[str]
    skipped: list[Skipped]
    almanac: Almanac


@dataclass(kw_only=True)
class _Shelf:
    """What could be read of one adapter's folder."""

    adapter: str
    recipe: Recipe | None = None
    events: list[Event] = field(default_factory=list)
    records: dict[int, AnyRecord] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)


def survey(project: Project, *, every: bool = False) -> Survey:
    """Reads the versions that hold an alias, else the newest; with ``every``, every one."""
    reader = _Reader(project)
    shelves = [reader.shelf(adapter, every=every) for adapter in project.registry.adapters()]
    serving = [shelf for shelf in shelves if not is_retired(shelf.events)]
    almanac = reader.almanac(serving)
    look = _Look(project=project, almanac=almanac, declared=Declared(almanac.bases.values()))
    return Survey(
        standings=[standing for shelf in serving for standing in look.standings(shelf)],
        unregistered=[shelf.recipe for shelf in serving if shelf.recipe and not shelf.numbers],
        retired=[shelf.adapter for shelf in shelves if is_retired(shelf.events)],
        skipped=reader.skipped,
        almanac=almanac,
    )


def standing_of(project: Project, adapter: str, version: int) -> tuple[Standing, list[Skipped]]:
    """Returns how one version stands, retired or not.

    Raises:
        NotFound: no such version.
    """
    reader = _Reader(project)
    shelf = reader.shelf(adapter, every=False)
    shelf.records = {version: project.registry.any_record(adapter, version), **shelf.records}
    almanac = reader.almanac([shelf])
    look = _Look(project=project, almanac=almanac, declared=Declared(almanac.bases.values()))
    standings = look.standings(shelf)
    wanted = next(one for one in standings if one.record.version == version)
    return wanted, reader.skipped


def cut(found: Survey, *, base: str | None = None, owner: str | None = None) -> Survey:
    """Returns the part of a survey that is about one base or one team's adapters.

    What could not be read stays: nobody knows whose it is.

    Raises:
        NotFound: no adapter is on that base, and it is not known either; or no adapter is that
            team's. A misspelt name must not look like a clean answer.
    """
    if base is not None and base not in found.almanac.bases:
        _must_know("base", base, {one.base for one in found.standings})
    if owner is not None:
        teams = {team for one in found.standings for team in one.owners}
        teams.update(team for one in found.unregistered for team in owners_of(one))
        _must_know("owner", owner, teams)
    return Survey(
        standings=[
            one
            for one in found.standings
            if base in {None, one.base} and (owner is None or owner in one.owners)
        ],
        unregistered=[
            one
            for one in found.unregistered
            if base in {None, one.base} and (owner is None or owner in owners_of(one))
        ],
        retired=found.retired,
        skipped=found.skipped,
        almanac=found.almanac,
    )


def not_registered(recipes: Iterable[Recipe]) -> list[Skipped]:
    """Returns why adapters without a version cannot be judged."""
    return [
        Skipped(
            subject=f"adapter:{recipe.adapter}",
            reason="not registered: it has a recipe and no version",
            mend=f"adapterctl register registry/adapters/{recipe.adapter}/recipe.yaml",
        )
        for recipe in recipes
    ]


def _must_know(what: str, name: str, known: set[str]) -> None:
    if name not in known:
        hint = f"known: {', '.join(sorted(known)) or 'none'}"
        raise NotFound(f"no adapter has the {what} {name!r}", hint=hint)


class _Reader:
    """Reads the registry, collecting what could not be read."""

    def __init__(self, project: Project) -> None:
        self.registry = project.registry
        self.skipped: list[Skipped] = []

    def shelf(self, adapter: str, *, every: bool) -> _Shelf:
        subject = f"adapter:{adapter}"
        numbers = self.registry.versions(adapter)
        shelf = _Shelf(adapter=adapter, numbers=numbers)
        shelf.events = self._read(subject, lambda: self.registry.events(adapter)) or []
        if self.registry.recipe_path(adapter).is_file():
            instead = "; judged by the recipe of its record" if numbers else ""
            shelf.recipe = self._read(
                subject, lambda: self.registry.recipe(adapter), instead=instead
            )
        for number in _wanted(shelf, every=every):
            record = self._record(adapter, number)
            if record is not None:
                shelf.records[number] = record
        return shelf

    def _record(self, adapter: str, number: int) -> AnyRecord | None:
        return self._read(
            f"adapter:{adapter}@{number}", lambda: self.registry.any_record(adapter, number)
        )

    def almanac(self, shelves: Iterable[_Shelf]) -> Almanac:
        """Returns what is known of the bases in use and of those named to succeed them."""
        observations = self.registry.observations()
        known = set(self.registry.bases())
        recipes = [shelf.recipe for shelf in shelves if shelf.recipe]
        records = [record for shelf in shelves for record in shelf.records.values()]
        used = {r.base.base for r in records if isinstance(r, VersionRecord)}
        used.update(recipe.base for recipe in recipes)
        # An adopted version means a base by any of its names: every file has to be looked at.
        if any(isinstance(record, AdoptedVersion) for record in records):
            used.update(known)
        bases = self._bases(used)
        bases.update(self._bases((_successors(observations, bases) & known) - used))
        return Almanac(observations, bases)

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


def _wanted(shelf: _Shelf, *, every: bool) -> list[int]:
    if every:
        return shelf.numbers
    held = set(aliases(shelf.events).values())
    return sorted(held) or shelf.numbers[-1:]


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What shelves are looked at with: the day, the dates and the bases."""

    project: Project
    almanac: Almanac
    declared: Declared

    def standings(self, shelf: _Shelf) -> list[Standing]:
        """Returns how the versions that were read stand."""
        if not shelf.records:
            return []
        held = aliases(shelf.events)
        leader = held.get("champion", max(shelf.records))
        leader = leader if leader in shelf.records else max(shelf.records)
        removed = {event.version for event in shelf.events if event.event == REMOVED}
        return [
            Standing(
                record=record,
                recipe=shelf.recipe or _recipe_of(record),
                meant=self._meant(record),
                status=self._status(shelf, record),
                aliases=[alias for alias, holder in held.items() if holder == number],
                leads=number == leader,
                passed=_passed(shelf, held.get("candidate"), instead_of=record),
                data_removed=number in removed,
                evaluated_at=_last(shelf, number, "evaluated"),
                reproduced_at=_last(shelf, number, "reproduced"),
            )
            for number, record in sorted(shelf.records.items())
        ]

    def _meant(self, record: AnyRecord) -> Base | None:
        if isinstance(record, AdoptedVersion):
            return self.declared.meant_by(record.base)
        return None

    def _status(self, shelf: _Shelf, record: AnyRecord) -> Status:
        recipe = shelf.recipe or _recipe_of(record)
        return self.almanac.status_on(
            self.project.today,
            base=base_of(record, self._meant(record)),
            serving=served(record, recipe),
            lead_days=lead_time(self.project.policy.lead_time_days, shelf.events),
        )


def _last(shelf: _Shelf, version: int, kind: EventKind) -> str | None:
    """Returns when something last happened to a version; a reproduction that failed is none."""
    times = [
        event.at
        for event in shelf.events
        if event.version == version
        and event.event == kind
        and event.details.get("kept", event.details.get("identical", True))
    ]
    return max(times, default=None)


def _recipe_of(record: AnyRecord) -> Recipe | None:
    return record.recipe if isinstance(record, VersionRecord) else None


def _passed(shelf: _Shelf, candidate: int | None, *, instead_of: AnyRecord) -> int | None:
    """Returns the candidate if it passed its gate on another base than the version's."""
    record = shelf.records.get(candidate or 0)
    if not isinstance(record, VersionRecord) or record.rebuilt_from is None:
        return None
    passed = record.rebuilt_from.parity.verdict == "PASS"
    return record.version if passed and record.base.base != base_of(instead_of, None) else None
