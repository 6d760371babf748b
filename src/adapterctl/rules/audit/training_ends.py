"""Training that closes at a provider while what was trained there goes on serving: EOL006."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from adapterctl.records.lifecycle import Observation
from adapterctl.rules.audit.judged import Frame, Judged, about, phrase
from adapterctl.rules.audit.moves import next_step, successors, way_of
from adapterctl.rules.findings import Finding
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.lifecycle.dates import day_of, is_end, is_firm, is_over
from adapterctl.rules.lifecycle.exposure import hits


def training_closes(standing: Judged, almanac: Almanac, frame: Frame) -> Iterator[Finding]:
    """Yields where an adapter goes on being served that nobody can train anew."""
    closing: dict[str | None, Observation] = {}
    for clock in standing.status.clocks:
        if not is_end(clock) and day_of(clock) <= frame.until:
            closing.setdefault(clock.provider, clock)
    for clock in closing.values():
        end = _end_after(standing, clock)
        if end is None or (day_of(end) > day_of(clock) and not is_over(end, frame.today)):
            yield _closing(standing, almanac, frame, clock=clock, end=end)


def _end_after(standing: Judged, closing: Observation) -> Observation | None:
    """Returns the earliest promised end of service, or else earliest day, where training closes."""
    status = standing.status
    places = [place for place in status.use.places if hits(closing, [place])]
    ends = [clock for clock in status.clocks if is_end(clock) and hits(clock, places)]
    return min(ends, key=lambda clock: (not is_firm(clock), day_of(clock)), default=None)


def _closing(
    standing: Judged,
    almanac: Almanac,
    frame: Frame,
    *,
    clock: Observation,
    end: Observation | None,
) -> Finding:
    found = successors(standing, almanac, clock=clock, today=frame.today)
    step = next_step(standing, found, almanac.bases, provider=clock.provider)
    ahead = day_of(clock) >= frame.today
    return about(
        standing,
        "EOL006",
        "medium" if is_firm(clock) else "low",
        message=f"{phrase(clock, standing.base)} {_last_day(clock, frame.today)}; "
        f"{_served_on(clock, end)}; source {clock.source}{way_of(found)}",
        phase=clock.phase,
        provider=clock.provider,
        region=clock.region,
        date=day_of(clock),
        mend=f"train anew what has to change by {clock.date}, or {step}" if ahead else step,
    )


def _last_day(clock: Observation, today: date) -> str:
    days = (day_of(clock) - today).days
    if not is_firm(clock):
        return f"not before {clock.date} it closes, and no firm date"
    if days < 0:
        return f"the last day to train was {clock.date}, {-days} d ago"
    return f"the last day to train is {clock.date}, in {days} d"


def _served_on(clock: Observation, end: Observation | None) -> str:
    if end is None:
        return "nothing says how long it is served after that without being trained anew"
    days = (day_of(end) - day_of(clock)).days
    until = "until" if is_firm(end) else "at least until"
    return f"it is served {until} {end.date}, {days} d longer, without being trained anew"
