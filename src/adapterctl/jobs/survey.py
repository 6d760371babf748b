"""How every adapter stands today, read from ``registry/`` alone.

What cannot be read is skipped with its reason, and the rest is still read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from adapterctl.errors import NotFound
from adapterctl.jobs.glances import glance_at, glances, recipe_of
from adapterctl.jobs.lenient import Lenient
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.base import Base
from adapterctl.records.glance import Build, Glance
from adapterctl.records.lifecycle import Observation
from adapterctl.records.recipe import Recipe
from adapterctl.rules.adoption.adopted import Declared
from adapterctl.rules.aliases import serving
from adapterctl.rules.findings import Skipped
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.standing import Standing, base_of, served, stand, teams_of
from adapterctl.stores.registry import FolderRegistry


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


def survey(project: Project, *, every: bool = False, base: str | None = None) -> Survey:
    """Reads the versions that hold an alias, or serve without one; with ``every``, every one.

    Of a declared ``base``, what was built on another may be left out; `cut` leaves out the rest.
    """
    found, unread = glances(project, every=every)
    live = [each for each in found if not each.retired]
    reader = Lenient()
    almanac = _almanac(project, live, reader)
    look = _look(project, almanac, on=base if base in almanac.bases else None)
    return Survey(
        standings=[standing for each in live for standing in look.standings(each)],
        unregistered=[each for each in live if each.choice and not each.newest],
        retired=[each.adapter for each in found if each.retired],
        skipped=[*unread, *reader.skipped],
        almanac=almanac,
    )


def standing_of(project: Project, adapter: str, version: int) -> tuple[Whole, list[Skipped]]:
    """Returns how one version stands, retired or not, with all that is recorded of it.

    Raises:
        NotFound: no such version.
    """
    record = project.registry.any_record(adapter, version)
    made = glance_at(project.registry, adapter, also=record)
    reader = Lenient()
    almanac = _almanac(project, [made.glance], reader)
    standings = _look(project, almanac).standings(made.glance)
    standing = next(one for one in standings if one.version == version)
    return whole(project, standing), [*made.skipped, *reader.skipped]


def whole(project: Project, standing: Standing) -> Whole:
    """Returns a version of a survey with all that is recorded of it.

    Raises:
        AdapterctlError: its record cannot be read any more.
    """
    registry, adapter = project.registry, standing.adapter
    record = registry.any_record(adapter, standing.version)
    recipe = recipe_of(registry, adapter, registry.names_in(adapter), reader=Lenient())
    return Whole(standing=standing, record=record, recipe=recipe)


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


def _almanac(project: Project, glances: Sequence[Glance], reader: Lenient) -> Almanac:
    """Returns what is known of the bases in use and of those named to succeed them."""
    registry = project.registry
    observations = registry.observations()
    known = set(registry.bases())
    used = {each.choice.base for each in glances if each.choice}
    used.update(each.choice.judge for each in glances if each.choice and each.choice.judge)
    used.update(build.base for each in glances for build in each.builds if not build.adopted)
    # An adopted version means a base by any of its names: every file has to be looked at.
    if any(build.adopted for each in glances for build in each.builds):
        used.update(known)
    bases = _bases(registry, used, reader)
    # Who follows a base may be stated by any of its names, and has successors in turn.
    if _successors(observations, bases) - used:
        bases.update(_bases(registry, known - used, reader))
    return Almanac(observations, bases, namings=registry.namings())


def _bases(registry: FolderRegistry, names: Iterable[str], reader: Lenient) -> dict[str, Base]:
    found = {
        name: reader.read(f"base:{name}", partial(registry.base, name)) for name in sorted(names)
    }
    return {name: base for name, base in found.items() if base is not None}


def _successors(observations: Iterable[Observation], bases: dict[str, Base]) -> set[str]:
    stated = {seen.successor for seen in observations if seen.successor}
    return stated | {name for base in bases.values() for name in base.successors}


def _look(project: Project, almanac: Almanac, *, on: str | None = None) -> _Look:
    return _Look(
        today=project.today,
        lead_days=project.policy.lead_time_days,
        almanac=almanac,
        declared=Declared(almanac.bases.values(), almanac.renames),
        on=on,
    )


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What glances are completed with: the day, the dates and the bases.

    Attributes:
        on: what was built on another base than this one is passed over.
    """

    today: date
    lead_days: int
    almanac: Almanac
    declared: Declared
    on: str | None

    def standings(self, glance: Glance) -> Iterator[Standing]:
        """Yields how the versions that were looked at stand."""
        numbers = [build.version for build in glance.builds]
        leader = serving(glance.aliases, numbers, tried=glance.tried)
        for build in glance.builds:
            if self.on is None or build.adopted is not None or build.base == self.on:
                yield self._standing(glance, build, leads=build.version == leader)

    def _standing(self, glance: Glance, build: Build, *, leads: bool) -> Standing:
        choice, version = glance.choice or build.choice, build.version
        record, meant, base = build.adopted, None, build.base
        if record is not None:
            meant = self.declared.meant_by(record.base)
            base = base_of(record, meant)
        status = self.almanac.status_on(
            self.today,
            base=base,
            serving=served(build, choice),
            lead_days=max(self.lead_days, glance.move_days or 0),
            hosted=record is not None and record.hosted is not None,
        )
        return stand(
            glance.adapter,
            build,
            choice=choice,
            status=status,
            meant=meant,
            aliases=[name for name, holder in glance.aliases.items() if holder == version],
            leads=leads,
            passed=_passed(glance, instead_of=base) if "candidate" in glance.aliases else None,
            data_removed=version in glance.removed,
            evaluated_at=glance.evaluated.get(version),
            reproduced_at=glance.reproduced.get(version),
        )


def _passed(glance: Glance, *, instead_of: str) -> int | None:
    """Returns the candidate if it passed its gate on another base."""
    candidate = glance.aliases.get("candidate")
    for build in glance.builds:
        if build.version == candidate and build.rebuilt and build.rebuilt.verdict == "PASS":
            return build.version if build.base != instead_of else None
    return None
