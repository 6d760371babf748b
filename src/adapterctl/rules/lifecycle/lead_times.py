"""How many days a move to another base takes: the project's default, or what the last one took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from adapterctl.records.event import Event
from adapterctl.rules.lifecycle.dates import day

PLANNED_ON = "planned_on"
"""Detail of a ``candidate`` event: the day of the first plan of the move that ended in it."""

_EVENTS = "events.jsonl"


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
            begun[event.version] = day(str(event.details.get(PLANNED_ON, event.at)), _EVENTS)
        elif event.event == "promoted" and event.version in begun:
            taken = (day(event.at, _EVENTS) - begun.pop(event.version)).days
    return taken
