"""What has to be looked after while an adapter serves: its people, its proofs, the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache

from adapterctl.records.glance import Choice
from adapterctl.records.lifecycle import Observation
from adapterctl.records.noun import Noun
from adapterctl.records.policy import People, Policy
from adapterctl.rules.audit.judged import Frame, about
from adapterctl.rules.findings import Finding
from adapterctl.rules.lifecycle.dates import day_of
from adapterctl.rules.parity.sample_size import to_plan
from adapterctl.rules.standing import Standing

SEASON_DAYS = 45
"""A window speaks for the days of any year that lie no further from it than this."""

PROPORTIONS = ("accuracy", "exact_match")
"""Metrics for which the rows that a margin needs can be told beforehand."""

_LEAP_YEAR, _DAYS_OF_A_YEAR = 2000, 366


class Left(Noun, frozen=True, kw_only=True):
    """A team that nobody is in any more; ``last`` is the last day of whoever went last."""

    team: str
    last: str | None


@cache
def _age(day: str, today: date) -> int:
    """Returns how many days ago a day was."""
    return (today - date.fromisoformat(day)).days


def left(people: People, *, today: date) -> dict[str, Left]:
    """Returns the teams whose members have all gone, by ``people.yaml``."""
    found = {}
    for name, team in people.teams.items():
        if team.notify and not team.members:
            continue  # only where it is told is stated, and nothing of its people
        if all(member.until and member.until < today.isoformat() for member in team.members):
            last = max((str(member.until) for member in team.members), default=None)
            found[name] = Left(team=name, last=last)
    return found


def upkeep(
    standing: Standing, *, frame: Frame, policy: Policy, gone: Mapping[str, Left]
) -> Iterator[Finding]:
    """Yields OWN002, EVAL001, EVAL003, EVAL004 and DRL001 about one adapter version.

    Args:
        standing: the version.
        frame: the day.
        policy: what is allowed, and what holds where a recipe says nothing.
        gone: the teams that nobody is in any more; see `left`.
    """
    build, choice, today = standing.build, standing.choice, frame.today
    if standing.leads and not gone.keys().isdisjoint(standing.owners):
        yield from _nobody_left(standing, gone)
    # A version without any evaluation set lacks more than a fresh one.
    if build.rows:
        last = max(build.created, standing.evaluated_at or "")[:10]
        if _age(last, today) > policy.evaluation_days:
            yield _stale(standing, last, policy=policy, today=today)
    if not standing.leads:
        return
    if build.repeatable:
        drilled = standing.reproduced_at and standing.reproduced_at[:10]
        if not drilled or _age(drilled, today) > policy.drill_days:
            yield _undrilled(standing, drilled, today=today)
    if choice is not None:
        if standing.status.ends is not None:
            yield from _out_of_season(standing, choice, ends=standing.status.ends)
        yield from _too_few(standing, choice, policy=policy)


def _nobody_left(standing: Standing, gone: Mapping[str, Left]) -> Iterator[Finding]:
    for each in (gone[team] for team in standing.owners if team in gone):
        since = f" since {each.last}" if each.last else ""
        yield about(
            standing,
            "OWN002",
            "high",
            message=f"team {each.team} has nobody left{since}",
            mend=f"name another team in {_recipe(standing)}, or its members in "
            "registry/people.yaml",
        )


def _stale(standing: Standing, last: str, *, policy: Policy, today: date) -> Finding:
    return about(
        standing,
        "EVAL001",
        "medium",
        message=f"last evaluated on {last}, {_age(last, today)} d ago; at most "
        f"{policy.evaluation_days} d are allowed",
        mend=f"adapterctl evaluate {standing.name}",
    )


def _undrilled(standing: Standing, last: str | None, *, today: date) -> Finding:
    when = f"last reproduced on {last}, {_age(last, today)} d ago" if last else "never reproduced"
    return about(
        standing,
        "DRL001",
        "low",
        message=f"{when}: nothing proves that it still can be",
        mend=f"adapterctl reproduce {standing.name}",
    )


def _out_of_season(standing: Standing, choice: Choice, *, ends: Observation) -> Iterator[Finding]:
    windows = [each.window for each in choice.sets if each.window]
    if not windows or any(covers(window, day_of(ends)) for window in windows):
        return
    yield about(
        standing,
        "EVAL003",
        "medium",
        message=f"no evaluation set speaks for the season of {ends.date}, when its base ends: "
        f"{', '.join(windows)}",
        date=day_of(ends),
        mend=f"add an evaluation set of that season under data.evaluation in {_recipe(standing)}",
    )


@cache
def covers(window: str, day: date) -> bool:
    """Whether a window, in whatever year, has a day within `SEASON_DAYS` of the day of the year.

    Args:
        window: ``2026-01-01/2026-03-31``.
        day: of any year.
    """
    first, last = (date.fromisoformat(text) for text in window.split("/"))
    if (last - first).days >= _DAYS_OF_A_YEAR - 1:
        return True
    wanted, begin, end = map(_day_of_any_year, (day, first, last))
    inside = begin <= wanted <= end if begin <= end else not end < wanted < begin
    return inside or min(_apart(wanted, begin), _apart(wanted, end)) <= SEASON_DAYS


def _day_of_any_year(day: date) -> int:
    """Returns the number of a day in a leap year, from 1."""
    return day.replace(year=_LEAP_YEAR).timetuple().tm_yday


def _apart(one: int, other: int) -> int:
    """Returns how many days lie between two days of the year, the shorter way round."""
    distance = abs(one - other)
    return min(distance, _DAYS_OF_A_YEAR - distance)


def _too_few(standing: Standing, choice: Choice, *, policy: Policy) -> Iterator[Finding]:
    flips = choice.flips if choice.flips is not None else policy.parity.negative_flips
    for each in choice.sets:
        rows = standing.build.rows.get(each.name)
        if rows is None:
            continue
        for metric in each.metrics:
            if metric not in PROPORTIONS:
                continue
            margin = each.margins.get(metric, policy.parity.margin)
            needed = _needed(margin, flips, policy.parity.level)
            if needed is None or needed > rows:
                enough = f"about {needed:,}" if needed else "more than can be had"
                yield about(
                    standing,
                    "EVAL004",
                    "low",
                    message=f"{each.name}: {rows:,} rows, and a margin of {margin:g} on {metric} "
                    f"needs {enough} where {flips:.0%} flip each way",
                    mend=f"add rows to {each.path}, or widen parity.{each.name}.{metric}.margin "
                    f"in {_recipe(standing)}",
                )


@cache
def _needed(margin: float, flips: float, level: float) -> int | None:
    return to_plan(margin=margin, flips=flips, level=level)


def rollback_target(standings: Sequence[Standing]) -> Iterator[Finding]:
    """Yields ROLL001: of an adapter's versions, the one to go back to ends before the champion."""
    held = {alias: each for each in standings for alias in each.aliases}
    champion, previous = held.get("champion"), held.get("previous")
    if champion is None or previous is None or previous.status.ends is None:
        return
    first = day_of(previous.status.ends)
    if champion.status.ends is None or first < day_of(champion.status.ends):
        yield about(
            previous,
            "ROLL001",
            "high",
            message=f"{previous.base} ends on {first}, before {champion.base} of the champion "
            f"{champion.name}: from then on there is no way back",
            date=first,
            mend=f"adapterctl plan {previous.name} --to BASE",
        )


def _recipe(standing: Standing) -> str:
    return f"registry/adapters/{standing.adapter}/recipe.yaml"
