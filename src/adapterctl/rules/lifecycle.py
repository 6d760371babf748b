"""How long a base lives for an adapter: three separate clocks, read on one day.

A promise (``shutdown``) and an earliest day (``not_before``) are never mixed: only a promise
gives a rebuild-by and a slack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from adapterctl.errors import InvalidInput
from adapterctl.records.base import Base
from adapterctl.records.event import Event
from adapterctl.records.lifecycle import Observation
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Serving
from adapterctl.rules.providers import provider_name

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


class Change(NamedTuple):
    """What became of a date that was known.

    Attributes:
        before: the last observation with another date, or with one at all.
        now: the one that superseded it; a tombstone when its feed lists the date no longer.
    """

    before: Observation
    now: Observation


class Almanac:
    """Every observation, looked up by base, whatever name it uses for the base."""

    def __init__(self, observations: Iterable[Observation], bases: Mapping[str, Base]) -> None:
        self.bases = bases
        self._by_subject: dict[str, list[Observation]] = {}
        self._changes: dict[str, list[Change]] = {}
        for history in histories(observations).values():
            seen = standing(history)
            if seen is not None:
                self._by_subject.setdefault(seen.subject, []).append(seen)
            change = last_change(history)
            if change is not None:
                self._changes.setdefault(change.before.subject, []).append(change)

    def about(self, base: str) -> list[Observation]:
        """Returns what is known about a base under any of its names."""
        return [seen for name in self._names(base) for seen in self._by_subject.get(name, [])]

    def changes(self, base: str) -> list[Change]:
        """Returns the last change of each date about a base that moved or was withdrawn."""
        return [change for name in self._names(base) for change in self._changes.get(name, [])]

    def _names(self, base: str) -> list[str]:
        known = self.bases.get(base)
        return names_of(known) if known else [base]

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


def names_of(base: Base) -> list[str]:
    """Returns what dates may call a base: its names, and what its source calls it."""
    stated = [base.base, *base.names, base.source.model, base.source.hub]
    return list(dict.fromkeys(name for name in stated if name))


def current(observations: Iterable[Observation]) -> list[Observation]:
    """Returns what stands of each key; see `standing`."""
    found = map(standing, histories(observations).values())
    return [seen for seen in found if seen is not None]


def histories(observations: Iterable[Observation]) -> dict[str, list[Observation]]:
    """Returns the lines of each key, the latest last.

    Latest is by the day it was seen, then by place in the ledger: branches that were merged line
    by line need not stand in order.
    """
    lines: dict[str, list[Observation]] = {}
    for observation in sorted(observations, key=lambda seen: seen.seen_on):
        lines.setdefault(observation.key, []).append(observation)
    return lines


def standing(history: Sequence[Observation]) -> Observation | None:
    """Returns the line of a key that counts: the latest, unless a tombstone takes it away.

    An end that had come when its feed dropped it stays: nothing comes back to life because a list
    was tidied up.
    """
    latest = history[-1]
    if latest.date is not None:
        return latest
    before = last_dated(history)
    dropped = _day(latest.seen_on, f"registry/lifecycle: {latest.key}")
    return before if before and is_firm(before) and is_over(before, dropped) else None


def last_dated(history: Sequence[Observation]) -> Observation | None:
    """Returns the latest line of a key that has a date."""
    return next((line for line in reversed(history) if line.date is not None), None)


def last_change(history: Sequence[Observation]) -> Change | None:
    """Returns the latest move of a key's date, or its withdrawal; corrections are none."""
    now = history[-1]
    if now.date is None:
        before = last_dated(history)
        return Change(before, now) if before else None
    for line in reversed(history):
        if line.date is not None and (line.date, line.kind) != (now.date, now.kind):
            return Change(line, now)
        now = line if line.date is not None else now
    return None


def hits(observation: Observation, places: Sequence[Serving]) -> bool:
    """Whether an observation applies to an adapter that is served at ``places``.

    One without provider and region hits every adapter on the base. One with a provider hits only
    what is served there; a place that does not say its region may be in the region.
    """
    if observation.provider is None and observation.region is None:
        return True
    return any(
        (observation.provider is None or _same_provider(observation.provider, place.provider))
        and (observation.region is None or place.region in {None, observation.region})
        for place in places
    )


def _same_provider(stated: str, served_by: str) -> bool:
    return provider_name(stated) == provider_name(served_by)


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
