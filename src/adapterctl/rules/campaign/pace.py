"""Whether the last adapter leaves a base before it ends, by what has been measured so far."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil

from adapterctl.records.lifecycle import Observation
from adapterctl.records.noun import Noun
from adapterctl.rules.campaign.states import LEFT, Done, Move
from adapterctl.rules.lifecycle.dates import day_of


class Forecast(Noun, frozen=True, kw_only=True):
    """When all will have moved, and whether that is in time.

    Attributes:
        begun_on: the day of the first plan.
        moved: adapters promoted since then.
        per_day: how many that is for each day.
        move_days: what the longest of those moves took, from plan to promotion.
        left: adapters that still have to move.
        ends_on: the earliest promised end that hits one of them.
        done_on: the day by which all have moved at that pace.
        in_time: ``None`` when it cannot be said.
        because: the reasoning, line by line.
    """

    begun_on: date | None
    moved: int
    per_day: float | None
    move_days: int | None
    left: int
    ends_on: date | None
    done_on: date | None
    in_time: bool | None
    because: list[str]


def forecast(
    moves: Sequence[Move],
    done: Sequence[Done],
    *,
    planned: Sequence[date],
    ends: Observation | None,
    today: date,
) -> Forecast:
    """Returns when all will have moved.

    The pace is the adapters promoted since the first plan, by the days since then. What was not
    begun needs at least as many days as the longest move took.

    Args:
        moves: every adapter of the campaign.
        done: when those that moved did.
        planned: the days of all plans that are known.
        ends: the earliest promised end among what is left.
        today: the day that counts as today.
    """
    left = [each for each in moves if each.state in LEFT]
    begun_on = min((one for one in planned if one <= today), default=None)
    since = [one for one in done if begun_on and begun_on <= one.promoted_on <= today]
    days = max(1, (today - begun_on).days) if begun_on else 0
    per_day = len(since) / days if since else None
    move_days = max((one.days for one in since if one.days is not None), default=None)
    done_on = _done_on(left, per_day, move_days, today=today)
    ends_on = day_of(ends) if ends else None
    because = [
        *_about_the_end(ends, today=today),
        *_about_the_pace(since, days, begun_on=begun_on, move_days=move_days),
        *_about_the_rest(left, done_on, move_days=move_days, today=today),
    ]
    in_time = _in_time(left, done_on, ends_on=ends_on, today=today)
    return Forecast(
        begun_on=begun_on,
        moved=len(since),
        per_day=round(per_day, 4) if per_day else None,
        move_days=move_days,
        left=len(left),
        ends_on=ends_on,
        done_on=done_on,
        in_time=in_time,
        because=because,
    )


def _done_on(
    left: Sequence[Move], per_day: float | None, move_days: int | None, *, today: date
) -> date | None:
    if not left or per_day is None:
        return today if not left else None
    at_pace = min(ceil(len(left) / per_day), (date.max - today).days)
    at_least = move_days or 0 if any(not each.begun for each in left) else 0
    return today + timedelta(days=max(at_pace, at_least))


def _in_time(
    left: Sequence[Move], done_on: date | None, *, ends_on: date | None, today: date
) -> bool | None:
    if not left:
        return True
    if ends_on is None:
        return None
    if today >= ends_on:
        return False
    return None if done_on is None else done_on < ends_on


def _about_the_end(ends: Observation | None, *, today: date) -> list[str]:
    if ends is None:
        return ["no promised end hits what is left"]
    where = f" at {ends.provider}" if ends.provider else ""
    region = f" in {ends.region}" if ends.region else ""
    days = (day_of(ends) - today).days
    when = f"in {days} d" if days > 0 else f"{-days} d ago"
    return [f"end of {ends.phase}{where}{region}: {ends.date}, {when}; source {ends.source}"]


def _about_the_pace(
    since: Sequence[Done], days: int, *, begun_on: date | None, move_days: int | None
) -> list[str]:
    if begun_on is None:
        return ["no rebuild was planned yet: there is no pace to measure"]
    if not since:
        return [f"nothing was promoted since the first plan on {begun_on}, {days} d ago"]
    told = f"{len(since)} promoted in {days} d since the first plan on {begun_on}"
    took = f"; the longest move took {move_days} d" if move_days is not None else ""
    return [f"{told}: {len(since) / days:.2f} a day{took}"]


def _about_the_rest(
    left: Sequence[Move], done_on: date | None, *, move_days: int | None, today: date
) -> list[str]:
    lines = []
    if left and done_on is not None:
        lines.append(f"{len(left)} left: at that pace {(done_on - today).days} d, until {done_on}")
    blocked = sum(each.state == "blocked" for each in left)
    if blocked:
        lines.append(f"{blocked} of them blocked: no pace moves what somebody has to mend first")
    late = [each for each in left if not each.begun and (each.slack_days or 0) < 0]
    if late:
        day = min(each.rebuild_by for each in late if each.rebuild_by)
        lines.append(f"{len(late)} not begun, and by the lead time had to be by {day}")
    return lines
