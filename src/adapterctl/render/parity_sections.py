"""The tables of a parity report, as cells: one for each set, the slices that matter, the flips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adapterctl.records.parity import MetricParity, NegativeFlips, ParityReport
from adapterctl.rules.parity.metrics import named
from adapterctl.rules.parity.slices import TOO_FEW

MOST_SLICES = 12

_NONE = "-"


class Section(NamedTuple):
    """A titled table."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def sections(report: ParityReport) -> Iterator[Section]:
    """Yields the tables of the report, in the order they are read."""
    for name in dict.fromkeys(line.set for line in report.metrics):
        yield _whole([x for x in report.metrics if x.set == name and x.slice is None])
    slices = [line for line in report.metrics if line.slice is not None and line.note != TOO_FEW]
    matter = _that_matter(slices)
    if matter:
        yield _slices(matter, of=len(slices))
    if report.negative_flips:
        yield _flips(report.negative_flips)


def _whole(lines: Sequence[MetricParity]) -> Section:
    return Section(
        title=f"{lines[0].set} ({lines[0].rows:,} rows)",
        header=(
            "metric",
            "old",
            "bare",
            "candidate",
            "difference",
            "interval",
            "margin",
            "verdict",
        ),
        rows=[
            (
                line.name,
                _number(line.old),
                _number(line.bare),
                _number(line.candidate),
                _number(line.difference, sign="+"),
                _interval(line.interval),
                _NONE if line.margin is None else f"{line.margin:g}",
                line.verdict,
            )
            for line in lines
        ],
    )


def _slices(lines: Sequence[MetricParity], *, of: int) -> Section:
    return Section(
        title=f"Slices that lost ({len(lines)} of {of} judged, for harm only)",
        header=("slice", "rows", "old", "candidate", "difference", "interval", "verdict"),
        rows=[
            (
                f"{line.set} {line.slice}: {line.name}",
                f"{line.rows:,}",
                _number(line.old),
                _number(line.candidate),
                _number(line.difference, sign="+"),
                _interval(line.interval),
                line.verdict,
            )
            for line in lines
        ],
    )


def _flips(flips: Sequence[NegativeFlips]) -> Section:
    floored = any(each.floor for each in flips)
    by_seed = ("by seed",) if floored else ()
    return Section(
        title="Negative flips (right before, wrong now)",
        header=("set", "rows", "flips", "rate", "upper bound", *by_seed, "limit", "verdict"),
        rows=[
            (
                each.set,
                f"{each.rows:,}",
                f"{each.flips:,}",
                _number(each.rate),
                _number(each.upper),
                *((_number(each.floor.rate if each.floor else None),) if floored else ()),
                f"{each.limit:g}",
                each.verdict,
            )
            for each in flips
        ],
    )


def _that_matter(slices: Sequence[MetricParity]) -> list[MetricParity]:
    """Returns the slices that failed, then those whose interval lies below no change."""
    failed = [line for line in slices if line.verdict == "FAIL"]
    lost = [line for line in slices if line.verdict != "FAIL" and _lost(line)]
    return [*failed, *lost[: max(0, MOST_SLICES - len(failed))]]


def _lost(line: MetricParity) -> bool:
    if line.interval is None:
        return False
    low, high = line.interval
    return low > 0 if named(line.name).lower_is_better else high < 0


def _number(value: float | None, *, sign: str = "") -> str:
    return _NONE if value is None else f"{value:{sign}.3f}"


def _interval(interval: tuple[float, float] | None) -> str:
    return _NONE if interval is None else "[{:.3f}, {:.3f}]".format(*interval)
