"""A deprecation as a whole: every adapter that stands, or stood, on a base, and the time left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from adapterctl.errors import AdapterctlError, MissingExtra
from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import Survey, survey
from adapterctl.jobs.works import works_of
from adapterctl.records.event import Event
from adapterctl.rules.campaign.campaigns import Campaign
from adapterctl.rules.campaign.pace import forecast
from adapterctl.rules.campaign.readiness import serving_version
from adapterctl.rules.campaign.states import (
    LEFT,
    ORDER,
    Known,
    Move,
    Work,
    accepted_until,
    done,
    moved,
    on_its_way,
    planned_on,
    retired,
    served_on,
)
from adapterctl.rules.findings import Skipped, skipped
from adapterctl.rules.lifecycle.dates import day_of
from adapterctl.rules.lifecycle.succession import Move as Leaving
from adapterctl.rules.lifecycle.succession import succession
from adapterctl.rules.mapping.targets import Blocker, blockers_of
from adapterctl.rules.standing import Standing, base_of


class _Way(NamedTuple):
    """An adapter of the campaign: its version that serves, all of them, and its events."""

    serving: Standing
    versions: list[Standing]
    events: list[Event]


def campaign(project: Project, base: str, *, to: str | None, plans: bool, device: str) -> Campaign:
    """Returns how far every adapter is that stands, or stood, on ``base``.

    Args:
        project: where; its day is the day that counts as today.
        base: the base that ends.
        to: the successor that what waits is planned on; by default the one that is known.
        plans: plan what was not begun yet, to see what blocks it.
        device: ``auto``, ``cpu`` or ``cuda``: where it would be rebuilt.

    Raises:
        NotFound: it is no base, and no adapter stands or stood on it.
    """
    found = survey(project, every=True)
    ways = list(_ways(project, found, base))
    here = [way for way in ways if way.serving.base == base]
    ends = [(w, done(w.serving.version, w.events)) for w in ways if w.serving.base != base]
    gone = list(_retired(project, found, base))
    if not ways and not gone:
        project.registry.base(base)
    to = to or _successor(project, found, here)
    works, planner = works_of(project), _Planner(project, to if plans else None, device)
    going = list(_going(project, here, works, to=to, planner=planner))
    left = {each.adapter for each in going if each.state in LEFT}
    firm = [way.serving.status.ends for way in here if way.serving.adapter in left]
    over = [each for each in gone if isinstance(each, Move)]
    moves = [*going, *(moved(way.serving, end) for way, end in ends), *over]
    return Campaign(
        base=base,
        to=to,
        planned=planner.plans,
        moves=sorted(moves, key=_urgency),
        forecast=forecast(
            moves,
            [end for _, end in ends if end],
            planned=list(_days_of_plans(ways, works)),
            ends=min(filter(None, firm), key=day_of, default=None),
            today=project.today,
        ),
        skipped=[*found.skipped, *(each for each in gone if isinstance(each, Skipped))],
    )


class _Planner:
    """Plans what was not begun; with nothing to plan on, or without what plans need, never."""

    def __init__(self, project: Project, to: str | None, device: str) -> None:
        self._project, self._to, self._device = project, to, device
        self.plans = to is not None

    def blockers(self, name: str) -> Sequence[Blocker]:
        if not self.plans or self._to is None:
            return ()
        from adapterctl.jobs.plan import plan

        try:
            return plan(self._project, name, to=self._to, device=self._device).blockers
        except MissingExtra as error:
            self._project.display.say(f"nothing is planned here: {error}")
            self.plans = False
            return ()
        except AdapterctlError as error:
            return blockers_of(error)


def _ways(project: Project, found: Survey, base: str) -> Iterator[_Way]:
    """Yields the adapters that stand on a base, or whose champion once did."""
    for adapter, each in groupby(found.standings, key=lambda standing: standing.adapter):
        versions = list(each)
        if all(one.base != base for one in versions):
            continue
        serving, events = serving_version(versions), project.registry.events(adapter)
        bases = {one.version: one.base for one in versions}
        if serving.base == base or served_on(base, events, bases):
            yield _Way(serving, versions, events)


def _going(
    project: Project,
    here: Sequence[_Way],
    works: Sequence[Work],
    *,
    to: str | None,
    planner: _Planner,
) -> Iterator[Move]:
    waivers, today = project.registry.waivers(), project.today
    for number, (serving, versions, _) in enumerate(here, start=1):
        name = (serving.adapter, serving.version)
        own = [each for each in works if (each.adapter, each.version) == name]
        known = Known(
            work=max(own, key=lambda each: (each.alive, each.planned_on), default=None),
            waived_until=accepted_until(serving, waivers, today=today),
            to=to,
        )
        move = on_its_way(serving, versions, known)
        if move.state == "waiting" and not move.begun:
            known = known._replace(blockers=planner.blockers(serving.name))
            move = on_its_way(serving, versions, known)
        if planner.plans:
            project.display.progress("planning", number, len(here))
        yield move


def _successor(project: Project, found: Survey, here: Sequence[_Way]) -> str | None:
    """Returns the declared successor of own weights that the registry and its feeds lead to."""
    for way in here:
        status = way.serving.status
        leaving = Leaving(way.serving.base, status.use, project.today, status.lead_days)
        chosen = succession(found.almanac, leaving, clock=status.ends).chosen
        if chosen and chosen.declared and found.almanac.bases[chosen.name].source.provider is None:
            return chosen.name
    return None


def _retired(project: Project, found: Survey, base: str) -> Iterator[Move | Skipped]:
    """Yields the adapters that were retired on a base, and what of them cannot be read."""
    for name in found.retired:
        try:
            events = project.registry.events(name)
            last = next(each for each in reversed(events) if each.event == "retired")
            record = project.registry.any_record(name, last.version)
        except AdapterctlError as error:
            yield skipped(f"adapter:{name}", error)
            continue
        if base_of(record, None) == base:
            yield retired(name, last, base=base)


def _days_of_plans(ways: Sequence[_Way], works: Sequence[Work]) -> Iterator[date]:
    """Yields the days on which rebuilds of these adapters were planned, as far as is known."""
    names = {way.serving.adapter for way in ways}
    for way in ways:
        days = (planned_on(one.version, way.events) for one in way.versions)
        yield from filter(None, days)
    yield from (work.planned_on for work in works if work.adapter in names)


def _urgency(move: Move) -> tuple[int, date, str]:
    return ORDER.index(move.state), move.rebuild_by or date.max, move.adapter
