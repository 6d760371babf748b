"""How long a successor itself would live, as a plan says it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from adapterctl.records.lifecycle import Phase
from adapterctl.records.noun import Noun
from adapterctl.rules.audit.moves import described, way_of
from adapterctl.rules.lifecycle.almanac import Status
from adapterctl.rules.lifecycle.dates import day_of, is_end, is_firm
from adapterctl.rules.lifecycle.succession import Succession


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
    maybe = [day_of(seen) for seen in status.clocks if is_end(seen) and not is_firm(seen)]
    return Runway(
        ends=day_of(ends) if ends else None,
        phase=ends.phase if ends else None,
        days=(day_of(ends) - today).days if ends else None,
        not_before=min(maybe) if maybe and not ends else None,
    )


def notes_on_runway(
    status: Status, today: date, *, base: str, onward: Succession | None = None
) -> Iterator[str]:
    """Yields what should be known about the successor's life before moving there.

    Args:
        status: what is known of it.
        today: the day that it is judged on.
        base: the successor.
        onward: who follows it in turn.
    """
    runway = runway_of(status, today)
    if not any(map(is_end, status.clocks)):
        yield f"nothing is known of how long {base} lives (EOL004): adapterctl lifecycle add {base}"
    elif runway.days is not None and runway.days < status.lead_days:
        if runway.days >= 0:
            yield (
                f"{base} lives {runway.days} days more, less than the lead time of "
                f"{status.lead_days} days: the next move starts at once (EOL007)"
            )
        yield from _after(base, onward)


def instead(adapter: str, onward: Succession | None) -> str:
    """Returns what to do when the successor of a plan is past its own end."""
    chosen = onward.chosen if onward else None
    if chosen is None or not chosen.declared or chosen.outlook != "lives":
        return "choose another successor"
    return f"adapterctl plan {adapter} --to {chosen.name}"


def _after(base: str, onward: Succession | None) -> Iterator[str]:
    """Yields who follows a successor that does not live long enough."""
    path = onward.path if onward else []
    if path and path[-1].outlook == "lives":
        yield f"after it: {' -> '.join([base, *map(described, path)])}; plan for {path[-1].name}"
    elif onward and (onward.links or onward.circles):
        yield f"nobody who follows {base} lives longer{way_of(onward)}"
