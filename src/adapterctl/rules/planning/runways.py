"""How long a successor itself would live, as a plan says it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from adapterctl.records.lifecycle import Phase
from adapterctl.records.noun import Noun
from adapterctl.rules.lifecycle import Status, day_of, is_firm


class Runway(Noun, frozen=True, kw_only=True):
    """How long a base lives, as far as is known.

    Attributes:
        ends: the earliest promised end.
        phase: which death that is.
        days: until then.
        not_before: the earliest day that anything may end, when nothing is promised.
    """

    ends: date | None
    phase: Phase | None
    days: int | None
    not_before: date | None


def runway_of(status: Status, today: date) -> Runway:
    """Returns the earliest promised end under ``status``, or else the earliest not-before."""
    ends = status.ends
    maybe = [day_of(seen) for seen in status.clocks if not is_firm(seen)]
    return Runway(
        ends=day_of(ends) if ends else None,
        phase=ends.phase if ends else None,
        days=(day_of(ends) - today).days if ends else None,
        not_before=min(maybe) if maybe and not ends else None,
    )


def notes_on_runway(status: Status, today: date, *, base: str) -> Iterator[str]:
    """Yields what should be known about the successor's life before moving there."""
    runway = runway_of(status, today)
    if not status.clocks:
        yield f"nothing is known of how long {base} lives (EOL004): adapterctl lifecycle add {base}"
    elif runway.days is not None and 0 <= runway.days < status.lead_days:
        yield (
            f"{base} lives {runway.days} days more, less than the lead time of "
            f"{status.lead_days} days: the next move starts at once (EOL007)"
        )
