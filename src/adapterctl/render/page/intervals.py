"""A difference, its interval and its margin, as places on a line for a small drawing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adapterctl.records.parity import MetricParity, ParityReport
from adapterctl.rules.parity.metrics import named

ROOM = 0.08
"""Share of the line that stays free at either end."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One metric; places in per cent of the line.

    Attributes:
        loss: where the margin ends: an interval wholly on its good side passes.
        better: which side of the line is the good one, ``right`` or ``left``.
    """

    metric: MetricParity
    low: str
    high: str
    at: str
    zero: str
    loss: str | None
    better: str

    @property
    def width(self) -> str:
        """How wide the interval is."""
        return f"{float(self.high[:-1]) - float(self.low[:-1]):.2f}%"


def intervals(report: ParityReport) -> Iterator[Interval]:
    """Yields a drawing for each metric that has an interval, slices left out."""
    for metric in report.metrics:
        if metric.slice is None and metric.interval is not None and metric.difference is not None:
            yield _interval(metric, metric.interval, metric.difference)


def _interval(metric: MetricParity, ends: tuple[float, float], difference: float) -> Interval:
    lower = named(metric.name).lower_is_better
    loss = None if metric.margin is None else metric.margin if lower else -metric.margin
    points = [0.0, *ends, difference, *([] if loss is None else [loss])]
    first, span = min(points), (max(points) - min(points)) or 1.0

    def x(value: float) -> str:
        return f"{100 * (ROOM + (1 - 2 * ROOM) * (value - first) / span):.2f}%"

    return Interval(
        metric=metric,
        low=x(ends[0]),
        high=x(ends[1]),
        at=x(difference),
        zero=x(0.0),
        loss=None if loss is None else x(loss),
        better="left" if lower else "right",
    )
