"""Ends in sight, ends unknown, and successors that end too soon: EOL001 to EOL004 and EOL007."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import PurePath
from typing import Any, NamedTuple, Protocol

from adapterctl.records.lifecycle import Observation
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Serving
from adapterctl.rules.adoption.adopted import NO_BASE
from adapterctl.rules.adoption.base_names import stated_base
from adapterctl.rules.findings import AHEAD, LATE, PAST, SEVERITIES, Finding, Severity
from adapterctl.rules.lifecycle import Almanac, Status, day_of, hits, is_firm, is_over

SELF_HOSTED = "self-hosted"
"""Provider of an adapter that is served on the team's own machines."""

_PHRASES = {"serving": "serving of", "tuning": "tuning on", "weights": "weights of"}


class Frame(Noun, frozen=True, kw_only=True):
    """What the audit looks at: the day, and how many days ahead."""

    today: date
    horizon_days: int

    @property
    def until(self) -> date:
        """The last day within the horizon."""
        ahead = min(self.horizon_days, (date.max - self.today).days)
        return self.today + timedelta(days=ahead)


class Judged(Protocol):
    """What is asked of an adapter version, or of an adapter that has none yet."""

    @property
    def adapter(self) -> str:
        """The adapter's name."""

    @property
    def name(self) -> str:
        """What findings call it."""

    @property
    def base(self) -> str:
        """The base it is built on."""

    @property
    def owners(self) -> list[str]:
        """Who has to move."""

    @property
    def consumers(self) -> list[str]:
        """Who must hear of it."""

    @property
    def serving(self) -> list[Serving]:
        """Where it is served, as far as anything says."""

    @property
    def status(self) -> Status:
        """What hits it."""

    @property
    def aliases(self) -> list[str]:
        """Those that it holds."""

    @property
    def passed(self) -> int | None:
        """A candidate on another base that passed its gate."""


class _Sight(NamedTuple):
    """A clock that an audit has something to say about."""

    severity: Severity
    code: str
    clock: Observation

    @property
    def rank(self) -> tuple[int, date]:
        """Worst first; of two alike, the earlier."""
        return SEVERITIES.index(self.severity), day_of(self.clock)


def about(standing: Judged, code: str, severity: Severity, **rest: Any) -> Finding:
    """Returns a finding about an adapter version, with its people filled in."""
    return Finding(
        code=code,
        severity=severity,
        subject=f"adapter:{standing.name}",
        owners=standing.owners,
        base=standing.base,
        affects=standing.consumers,
        **rest,
    )


def endings(standing: Judged, almanac: Almanac, frame: Frame) -> Iterator[Finding]:
    """Yields what is found about how long the base of an adapter version lives."""
    sight = _nearest(standing, frame)
    if sight is not None:
        yield _ending(standing, almanac, frame, sight=sight)
        yield from _short_lived_successor(standing, almanac, frame, clock=sight.clock)
    yield from _unknown(standing, almanac)


def _nearest(standing: Judged, frame: Frame) -> _Sight | None:
    lead = standing.status.lead_days
    sights = (_sight(clock, lead, frame) for clock in standing.status.clocks)
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


def _ending(standing: Judged, almanac: Almanac, frame: Frame, *, sight: _Sight) -> Finding:
    clock, day, lead = sight.clock, day_of(sight.clock), standing.status.lead_days
    when = _when(sight, lead_days=lead, today=frame.today)
    return about(
        standing,
        sight.code,
        sight.severity,
        message=f"{phrase(clock, standing.base)} {when}",
        phase=clock.phase,
        provider=clock.provider,
        region=clock.region,
        date=day,
        slack_days=_slack(day, lead, frame.today) if is_firm(clock) else None,
        mend=_move(standing, almanac, clock),
    )


def _slack(day: date, lead_days: int, today: date) -> int:
    return (day - timedelta(days=lead_days) - today).days


def phrase(clock: Observation, base: str) -> str:
    """Returns what ends: ``serving of gpt-4o at azure in eu:``."""
    provider = f" at {clock.provider}" if clock.provider else ""
    region = f" in {clock.region}" if clock.region else ""
    return f"{_PHRASES[clock.phase]} {base}{provider}{region}:"


def _when(sight: _Sight, *, lead_days: int, today: date) -> str:
    clock, code, day = sight.clock, sight.code, day_of(sight.clock)
    begin = day - timedelta(days=lead_days)
    source = f"; source {clock.source}"
    if not is_firm(clock):
        return f"not before {day}, and no firm date{source}"
    if code == PAST:
        return f"ended on {day}, {(today - day).days} d ago{source}"
    if code == LATE:
        return (
            f"shutdown on {day}, in {(day - today).days} d; a move takes {lead_days} d "
            f"and had to begin by {begin}{source}"
        )
    return f"shutdown on {day}, in {(day - today).days} d; begin by {begin}{source}"


def successors(standing: Judged, almanac: Almanac, clock: Observation) -> list[str]:
    """Returns who is named to replace the base: by the observation, then by the base's file."""
    base = almanac.bases.get(standing.base)
    named = [clock.successor, *(base.successors if base else [])]
    return list(dict.fromkeys(name for name in named if name))


def _move(standing: Judged, almanac: Almanac, clock: Observation) -> str:
    if standing.passed is not None:
        return f"adapterctl promote {standing.adapter}@{standing.passed}"
    if standing.aliases == ["previous"]:
        return f"adapterctl rollback {standing.adapter} --check"
    named = successors(standing, almanac, clock)
    known = next((name for name in named if name in almanac.bases), None)
    if known or not named:
        return f"adapterctl plan {standing.adapter} --to {known or 'SUCCESSOR'}"
    return _declare(named[0], clock.provider)


def _declare(stated: str, provider: str | None) -> str:
    """Returns how a successor that is no known base is declared, so that a plan can name it."""
    name = re.sub(r"[^a-z0-9._-]", "-", stated.rpartition("/")[2].lower()).lstrip("._-")
    if provider is not None:
        return f"adapterctl bases add {name} --provider {provider} --model {stated}"
    if "/" in stated:
        return f"adapterctl bases add {name} --hub {stated}@REVISION"
    return f"adapterctl bases add {name} --path DIR"


def _unknown(standing: Judged, almanac: Almanac) -> Iterator[Finding]:
    """Yields where the adapter is served without a known end of the weights or the service."""
    ends = [clock for clock in standing.status.clocks if clock.phase != "tuning"]
    places = almanac.places(standing.base, standing.serving)
    elsewhere = {seen.provider or seen.region for seen in almanac.about(standing.base)} - {None}
    if not places and elsewhere:
        yield _served_nowhere(standing, sorted(map(str, elsewhere)))
    elif not places and not ends:
        yield _without_end(standing, almanac, None)
    dark = [place for place in places if not any(hits(clock, [place]) for clock in ends)]
    for place in {place.provider: place for place in reversed(dark)}.values():
        there = place if place.provider != SELF_HOSTED else None
        yield _without_end(standing, almanac, there)


def _served_nowhere(standing: Judged, providers: list[str]) -> Finding:
    return about(
        standing,
        "EOL004",
        "medium",
        message=f"nothing says where it is served: the dates of {', '.join(providers)} may hit it",
        phase="serving",
        mend=f"write serving in registry/adapters/{standing.adapter}/recipe.yaml",
    )


def _without_end(standing: Judged, almanac: Almanac, place: Serving | None) -> Finding:
    where = f"--phase serving --provider {place.provider}" if place else "--phase weights"
    return about(
        standing,
        "EOL004",
        "medium",
        message="no date is known for how long "
        + (f"{place.provider} serves {standing.base}" if place else f"{standing.base} lives"),
        phase="serving" if place else "weights",
        provider=place.provider if place else None,
        region=place.region if place else None,
        mend=f"adapterctl lifecycle add {standing.base} {where} --not-before DATE --source URL"
        if standing.base in almanac.bases
        else declare_first(standing, place),
    )


def declare_first(standing: Judged, place: Serving | None) -> str:
    """Returns how the base is declared that an adopted version only states."""
    if place is not None:
        return _declare(standing.base, place.provider)
    if standing.base == NO_BASE:
        return f"write base in registry/adapters/{standing.adapter}/recipe.yaml"
    repository = stated_base(standing.base).kind == "hub"
    return _declare(standing.base if repository else PurePath(standing.base).name, None)


def _short_lived_successor(
    standing: Judged, almanac: Almanac, frame: Frame, *, clock: Observation
) -> Iterator[Finding]:
    """A successor that ends before the next move after this one could be done.

    Its runway is counted from the day the old base ends, or from today if that is past.
    """
    arrival = max(frame.today, day_of(clock))
    lead = standing.status.lead_days
    for name in successors(standing, almanac, clock):
        status = almanac.status_on(arrival, base=name, serving=standing.serving, lead_days=lead)
        if status.ends is None or status.slack_days is None or status.slack_days >= 0:
            continue
        runway = max(0, status.slack_days + lead)
        yield about(
            standing,
            "EOL007",
            "medium",
            message=f"successor {name} has {runway} d of runway from {arrival}, less than the "
            f"lead time of {lead} d: {phrase(status.ends, name)} shutdown on {status.ends.date}",
            phase=status.ends.phase,
            provider=status.ends.provider,
            region=status.ends.region,
            date=day_of(status.ends),
            mend=f"adapterctl plan {standing.adapter} --to SUCCESSOR",
        )
