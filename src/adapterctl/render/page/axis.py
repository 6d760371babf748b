"""Where days stand on a timeline, in per cent of its width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from adapterctl.rules.lifecycle.base_ends import Clock

MARGIN = timedelta(days=45)
"""Room around the days that have to be seen."""

MOST_BEFORE, MOST_AFTER = timedelta(days=180), timedelta(days=550)
"""How far from today the axis reaches; what lies farther stands at its edge, and moves none."""

MOST_TICKS = 9

LAST_LABEL = 0.93
"""Where on the axis the last month is named: a word that begins later would not fit."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, kw_only=True)
class Tick:
    """The first day of a month and how it is written; every second may be left out."""

    x: str
    label: str
    second: bool


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A span of days, and the one that counts as today."""

    start: date
    end: date
    today: date
    horizon: date

    def x(self, day: date) -> str:
        """Returns a place as SVG takes it; days beyond an edge stand at the edge."""
        share = (day - self.start).days / (self.end - self.start).days
        return f"{100 * min(1.0, max(0.0, share)):.2f}%"

    def width(self, first: date, last: date) -> str:
        """Returns how wide the days from ``first`` to ``last`` are."""
        return f"{float(self.x(last)[:-1]) - float(self.x(first)[:-1]):.2f}%"

    def beyond(self, day: date) -> str:
        """Returns ``before`` or ``after`` for a day that is not on the axis, else nothing."""
        return "before" if day < self.start else "after" if day > self.end else ""

    @property
    def ticks(self) -> list[Tick]:
        """Months, as many as can be read."""
        months = list(_months(self.start, self.end))
        step = next(n for n in (1, 2, 3, 6, 12) if len(months) / n <= MOST_TICKS or n == 12)
        shown = [day for day in months if (day.month - 1) % step == 0]
        return [
            Tick(x=self.x(day), label=self._label(day, number), second=number % 2 == 1)
            for number, day in enumerate(shown)
        ]

    def _label(self, day: date, number: int) -> str:
        if (day - self.start) > LAST_LABEL * (self.end - self.start):
            return ""
        month = MONTHS[day.month - 1]
        return f"{month} {day.year}" if number == 0 or day.month == 1 else month


def _months(start: date, end: date) -> Iterator[date]:
    for month in range(12 * start.year + start.month - 1, 12 * end.year + end.month):
        day = date(month // 12, month % 12 + 1, 1)
        if day >= start:
            yield day


def axis_of(clocks: Iterable[Clock], *, today: date, horizon: date) -> Axis:
    """Returns the axis on which the clocks can be seen, as far as they lie near today."""
    days = [day for clock in clocks for day in (clock.rebuild_by, clock.day) if day is not None]
    near = [day for day in [today, horizon, *days] if -MOST_BEFORE <= day - today <= MOST_AFTER]
    return Axis(
        start=_back(min(near), MARGIN),
        end=_on(max(near), MARGIN),
        today=today,
        horizon=horizon,
    )


def _on(day: date, by: timedelta) -> date:
    return day + min(by, date.max - day)


def _back(day: date, by: timedelta) -> date:
    return day - min(by, day - date.min)
