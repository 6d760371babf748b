"""How long a base lives for an adapter: three separate clocks, read on one day.

A promise (``shutdown``) and an earliest day (``not_before``) are never mixed: only a promise
gives a rebuild-by and a slack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from adapterctl.errors import InvalidInput
from adapterctl.records.base import Base
from adapterctl.records.event import Event
from adapterctl.records.lifecycle import Observation
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Serving

PLANNED_ON = "planned_on"
"""Detail of a ``candidate`` event: the day of the first plan of the move that ended in it."""

_EVENTS = "events.jsonl"


class Status(Noun, frozen=True, kw_only=True):
    """What is known on one day of how long an adapter's base lives.

    Attributes:
        clocks: for each phase, provider and region the earliest firm date, or else the earliest
            not-before.
        ends: the clock with the earliest firm date.
        rebuild_by: that date minus the lead time.
        slack_days: ``rebuild_by`` minus the day it is read on.
    """

    clocks: list[Observation]
    lead_days: int
    ends: Observation | None = None
    rebuild_by: date | None = None
    slack_days: int | None = None


class Almanac:
    """Every current observation, looked up by base, whatever name it uses for the base."""

    def __init__(self, observations: Iterable[Observation], bases: Mapping[str, Base]) -> None:
        self.bases = bases
        self._by_subject: dict[str, list[Observation]] = {}
        for observation in current(observations):
            self._by_subject.setdefault(observation.subject, []).append(observation)

    def about(self, base: str) -> list[Observation]:
        """Returns what is known about a base under any of its names."""
        known = self.bases.get(base)
        names = dict.fromkeys([base, *(known.names if known else [])])
        return [seen for name in names for seen in self._by_subject.get(name, [])]

    def places(self, base: str, serving: Sequence[Serving]) -> list[Serving]:
        """Returns where an adapter is served: as its recipe says, or else where its base lives."""
        known = self.bases.get(base)
        if serving or known is None or known.source.provider is None:
            return list(serving)
        return [Serving(provider=known.source.provider, region=known.source.region)]

    def status_on(
        self, today: date, *, base: str, serving: Sequence[Serving], lead_days: int
    ) -> Status:
        """Returns what hits an adapter that is built on ``base`` and served at ``serving``."""
        places = self.places(base, serving)
        hitting = [seen for seen in self.about(base) if hits(seen, places)]
        return status_on(hitting, lead_days=lead_days, today=today)


def current(observations: Iterable[Observation]) -> list[Observation]:
    """Returns the latest observation of each key; a tombstone takes its key away.

    Latest is by the day it was seen, then by place in the ledger: branches that were merged line
    by line need not stand in order.
    """
    latest: dict[str, Observation] = {}
    for observation in sorted(observations, key=lambda seen: seen.seen_on):
        latest[observation.key] = observation
    return [seen for seen in latest.values() if seen.date is not None]


def hits(observation: Observation, places: Sequence[Serving]) -> bool:
    """Whether an observation applies to an adapter that is served at ``places``.

    One without provider and region hits every adapter on the base. One with a provider hits only
    what is served there; a place that does not say its region may be in the region.
    """
    if observation.provider is None and observation.region is None:
        return True
    return any(
        observation.provider in {None, place.provider}
        and (observation.region is None or place.region in {None, observation.region})
        for place in places
    )


def clocks(observations: Iterable[Observation]) -> list[Observation]:
    """Returns one observation per phase, provider and region: what its clock stands at."""
    groups: dict[tuple[str | None, ...], list[Observation]] = {}
    for seen in observations:
        groups.setdefault((seen.phase, seen.provider, seen.region), []).append(seen)
    return sorted(
        (
            min(group, key=lambda seen: (not is_firm(seen), day_of(seen)))
            for group in groups.values()
        ),
        key=lambda seen: (day_of(seen), seen.phase, seen.key),
    )


def status_on(observations: Iterable[Observation], *, lead_days: int, today: date) -> Status:
    """Returns rebuild-by and slack under the observations that hit an adapter."""
    standing = clocks(observations)
    ends = next(filter(is_firm, standing), None)
    if ends is None:
        return Status(clocks=standing, lead_days=lead_days)
    rebuild_by = day_of(ends) - timedelta(days=lead_days)
    return Status(
        clocks=standing,
        lead_days=lead_days,
        ends=ends,
        rebuild_by=rebuild_by,
        slack_days=(rebuild_by - today).days,
    )


def lead_time(policy_days: int, events: Iterable[Event]) -> int:
    """Returns the larger of the project's lead time and the days that the last move took."""
    return max(policy_days, days_of_last_move(events) or 0)


def days_of_last_move(events: Iterable[Event]) -> int | None:
    """Returns the calendar days from the first plan to promotion of the last rebuilt version.

    Without a recorded plan the days are counted from the candidate's registration, which is
    later: the answer is then a lower bound.
    """
    begun: dict[int, date] = {}
    taken: int | None = None
    for event in events:
        if event.event == "candidate":
            begun[event.version] = _day(str(event.details.get(PLANNED_ON, event.at)), _EVENTS)
        elif event.event == "promoted" and event.version in begun:
            taken = (_day(event.at, _EVENTS) - begun.pop(event.version)).days
    return taken


def is_firm(observation: Observation) -> bool:
    """Whether the date is a promise, not only an earliest day."""
    return observation.kind == "shutdown"


def is_over(observation: Observation, today: date) -> bool:
    """Whether a promised end is there: on the day of a shutdown, after the last day of tuning."""
    day = day_of(observation)
    return today > day if observation.phase == "tuning" else today >= day


def day_of(observation: Observation) -> date:
    """Returns the day of an observation that is no tombstone.

    Raises:
        InvalidInput: a day that no calendar has, such as 2027-02-31.
    """
    return _day(observation.date or "", f"registry/lifecycle: {observation.key}")


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise InvalidInput.one(
            f"not a day of the calendar: {text!r}", place=place, hint="days are YYYY-MM-DD"
        ) from None
