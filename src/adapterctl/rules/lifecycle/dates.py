"""Observations as dates: what stands of each key, what each clock stands at, and the day it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

from adapterctl.errors import InvalidInput
from adapterctl.records.lifecycle import Observation
from adapterctl.rules.lifecycle.providers import provider_name
from adapterctl.rules.lifecycle.tuned import is_tuned


class Change(NamedTuple):
    """What became of a date that was known.

    Attributes:
        before: the last observation with another date, or with one at all.
        now: the one that superseded it; a tombstone when its feed lists the date no longer.
    """

    before: Observation
    now: Observation


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
    dropped = day(latest.seen_on, f"registry/lifecycle: {latest.key}")
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


Clock = tuple[str | None, ...]
"""Phase, provider and region, and whether it is the base's own or that of its fine-tunes."""


def clock_of(observation: Observation) -> Clock:
    """Returns the clock that an observation is one reading of."""
    provider = observation.provider
    return (
        observation.phase,
        provider_name(provider) if provider else None,
        observation.region,
        "tuned" if is_tuned(observation) else None,
    )


def clocks(observations: Iterable[Observation]) -> list[Observation]:
    """Returns one observation per clock: what it stands at."""
    groups: dict[Clock, list[Observation]] = {}
    for seen in observations:
        groups.setdefault(clock_of(seen), []).append(seen)
    return sorted(
        (
            min(group, key=lambda seen: (not is_firm(seen), day_of(seen)))
            for group in groups.values()
        ),
        key=lambda seen: (day_of(seen), seen.phase, seen.key),
    )


def is_firm(observation: Observation) -> bool:
    """Whether the date is a promise, not only an earliest day."""
    return observation.kind == "shutdown"


def is_end(observation: Observation) -> bool:
    """Whether an adapter ends with it; one that cannot be tuned any more is still served."""
    return observation.phase != "tuning"


def is_over(observation: Observation, today: date) -> bool:
    """Whether a promised end is there: on the day of a shutdown, after the last day of tuning."""
    day = day_of(observation)
    return today > day if observation.phase == "tuning" else today >= day


def day_of(observation: Observation) -> date:
    """Returns the day of an observation that is no tombstone.

    Raises:
        InvalidInput: a day that no calendar has, such as 2027-02-31.
    """
    return day(observation.date or "", f"registry/lifecycle: {observation.key}")


@cache
def day(text: str, place: str) -> date:
    """Returns the day that a text begins with; ``place`` is where it stands.

    Raises:
        InvalidInput: no calendar has it.
    """
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise InvalidInput.one(
            f"not a day of the calendar: {text!r}", place=place, hint="days are YYYY-MM-DD"
        ) from None
