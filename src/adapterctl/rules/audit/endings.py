"""Ends in sight, ends unknown, and successors that end too soon: EOL001 to EOL004 and EOL007."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from adapterctl.records.lifecycle import Observation, Phase
from adapterctl.rules.audit.judged import Frame, Judged, about, phrase
from adapterctl.rules.audit.moves import declare_first, next_step, successors, way_of
from adapterctl.rules.audit.training_ends import training_closes
from adapterctl.rules.findings import AHEAD, LATE, PAST, SEVERITIES, Finding, Severity
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.lifecycle.dates import day_of, is_end, is_firm, is_over
from adapterctl.rules.lifecycle.exposure import SELF_HOSTED, Place, elsewhere
from adapterctl.rules.lifecycle.succession import Link, Succession
from adapterctl.rules.lifecycle.tuned import is_tuned


class _Sight(NamedTuple):
    """A clock that an audit has something to say about."""

    severity: Severity
    code: str
    clock: Observation

    @property
    def rank(self) -> tuple[int, date]:
        """Worst first; of two alike, the earlier."""
        return SEVERITIES.index(self.severity), day_of(self.clock)


class _Dark(NamedTuple):
    """What no end is known of, and how an adapter version has one stated."""

    message: str
    phase: Phase
    place: Place | None
    mend: Callable[[Judged], str]


class _End(NamedTuple):
    """The worst end in sight, what is said about it, and who follows then."""

    sight: _Sight
    message: str
    found: Succession


class _Ahead(NamedTuple):
    """What lies ahead of every adapter version that one status is true of.

    Attributes:
        closes: training closes some day.
        dark: what no end is known of.
    """

    end: _End | None
    closes: bool
    dark: tuple[_Dark, ...]


def endings(standing: Judged, almanac: Almanac, frame: Frame) -> Iterator[Finding]:
    """Yields what is found about how long the base of an adapter version lives."""
    what = ("ahead", standing.base, frame)
    ahead = almanac.following(standing.status, what, lambda: _ahead(standing, almanac, frame))
    if ahead.end is not None:
        yield _ending(standing, almanac, frame, end=ahead.end)
        yield from _short_lived(standing, almanac, ahead.end.found)
    if ahead.closes:
        yield from training_closes(standing, almanac, frame)
    for each in ahead.dark:
        yield _unknown(standing, each)


def _ahead(standing: Judged, almanac: Almanac, frame: Frame) -> _Ahead:
    sight = _nearest(standing, frame)
    end = _end(standing, almanac, frame, sight=sight) if sight else None
    closes = any(not is_end(clock) for clock in standing.status.clocks)
    return _Ahead(end, closes, tuple(_dark(standing, almanac)))


def _nearest(standing: Judged, frame: Frame) -> _Sight | None:
    lead = standing.status.lead_days
    ends = filter(is_end, standing.status.clocks)
    sights = (_sight(clock, lead, frame) for clock in ends)
    return min(filter(None, sights), key=lambda sight: sight.rank, default=None)


def _sight(clock: Observation, lead_days: int, frame: Frame) -> _Sight | None:
    day = day_of(clock)
    if is_firm(clock) and is_over(clock, frame.today):
        return _Sight("critical", PAST, clock)
    if is_firm(clock) and _slack(day, lead_days, frame.today) < 0:
        return _Sight("high", LATE, clock)
    if day > frame.until:
        return None
    return _Sight("medium" if is_firm(clock) else "low", AHEAD, clock)


def _end(standing: Judged, almanac: Almanac, frame: Frame, *, sight: _Sight) -> _End:
    clock = sight.clock
    found = successors(standing, almanac, clock=clock, today=frame.today)
    when = _when(sight, lead_days=standing.status.lead_days, today=frame.today)
    said = f"{_instead(standing, clock)}; source {clock.source}{way_of(found)}"
    return _End(sight, f"{phrase(clock, standing.base)} {when}{said}", found)


def _ending(standing: Judged, almanac: Almanac, frame: Frame, *, end: _End) -> Finding:
    sight, lead = end.sight, standing.status.lead_days
    clock, day = sight.clock, day_of(sight.clock)
    return about(
        standing,
        sight.code,
        sight.severity,
        message=end.message,
        phase=clock.phase,
        provider=clock.provider,
        region=clock.region,
        date=day,
        slack_days=_slack(day, lead, frame.today) if is_firm(clock) else None,
        mend=next_step(standing, end.found, almanac.bases, provider=clock.provider),
    )


def _slack(day: date, lead_days: int, today: date) -> int:
    return (day - timedelta(days=lead_days) - today).days


def _when(sight: _Sight, *, lead_days: int, today: date) -> str:
    clock, code, day = sight.clock, sight.code, day_of(sight.clock)
    begin = day - timedelta(days=lead_days)
    if not is_firm(clock):
        return f"not before {day}, and no firm date"
    if code == PAST:
        return f"ended on {day}, {(today - day).days} d ago"
    if code == LATE:
        return (
            f"shutdown on {day}, in {(day - today).days} d; a move takes {lead_days} d "
            f"and had to begin by {begin}"
        )
    return f"shutdown on {day}, in {(day - today).days} d; begin by {begin}"


def _instead(standing: Judged, clock: Observation) -> str:
    """Returns in whose stead a date of hosted fine-tunes counts; it begins with ``;``."""
    if not is_tuned(clock):
        return ""
    there = {clock.provider, None}
    own = next((one for one in standing.status.superseded if one.provider in there), None)
    if own is None or (own.date, own.kind) == (clock.date, clock.kind):
        return ""
    kind = "" if is_firm(own) else "not before "
    return f"; it counts instead of the base's own {kind}{own.date}"


def _short_lived(standing: Judged, almanac: Almanac, found: Succession) -> Iterator[Finding]:
    """Yields the successors that end before the next move after this one could be done.

    Those that the base itself names, and the one to move to; those between stand in the message
    about its end.
    """
    for link in found.links:
        told = link.after == standing.base or link is found.chosen
        if told and link.outlook != "lives" and link.status.ends is not None:
            yield _short(standing, almanac, found, link=link, ends=link.status.ends)


def _short(
    standing: Judged, almanac: Almanac, found: Succession, *, link: Link, ends: Observation
) -> Finding:
    arrival, lead = found.move.arrival, standing.status.lead_days
    better = found.chosen if found.chosen and found.chosen.outlook == "lives" else None
    only = found if better else Succession(found.move)
    return about(
        standing,
        "EOL007",
        "medium",
        message=f"successor {link.name} has {link.runway(arrival)} d of runway from {arrival}, "
        f"less than the lead time of {lead} d: {phrase(ends, link.name)} shutdown on {ends.date}",
        phase=ends.phase,
        provider=ends.provider,
        region=ends.region,
        date=day_of(ends),
        mend=next_step(standing, only, almanac.bases, provider=ends.provider),
    )


def _unknown(standing: Judged, dark: _Dark) -> Finding:
    provider, region = dark.place or (None, None)
    return about(
        standing,
        "EOL004",
        "medium",
        message=dark.message,
        phase=dark.phase,
        provider=provider,
        region=region,
        mend=dark.mend(standing),
    )


def _dark(standing: Judged, almanac: Almanac) -> Iterator[_Dark]:
    """Yields where adapters are served without a known end of the weights or the service."""
    base, status = standing.base, standing.status
    if not status.use.places:
        away = sorted(set(elsewhere(almanac.about(base), status.use)))
        if away:
            yield _served_nowhere(away)
        elif not any(map(is_end, status.clocks)):
            yield _without_end(base, almanac, None)
    own = [place for place in status.dark if place.provider == SELF_HOSTED]
    if own:
        yield _without_end(base, almanac, None)
    for place in status.dark:
        if place not in own:
            yield _without_end(base, almanac, place)


def _served_nowhere(providers: Sequence[str]) -> _Dark:
    return _Dark(
        f"nothing says where it is served: the dates of {', '.join(providers)} may hit it",
        "serving",
        None,
        lambda standing: f"write serving in registry/adapters/{standing.adapter}/recipe.yaml",
    )


def _without_end(base: str, almanac: Almanac, place: Place | None) -> _Dark:
    provider, region = place or (None, None)
    there = f" in {region}" if region else ""
    where = f"--phase serving --provider {provider}" if place else "--phase weights"
    only = f" --region {region}" if region else ""
    state = f"adapterctl lifecycle add {base} {where}{only} --not-before DATE --source URL"
    declared = base in almanac.bases
    return _Dark(
        "no date is known for how long "
        + (f"{provider} serves {base}{there}" if place else f"{base} lives"),
        "serving" if place else "weights",
        place,
        lambda standing: state if declared else declare_first(standing, provider),
    )
