"""Slices of the evaluation sets: looked at for harm only.

A slice has few rows, and there are many of them, so none can be asked to prove that it is as
good as before. It is asked whether it got worse by more than the margin, and the p-values of all
slices of a report are corrected together by Holm's method: the chance that any slice fails by
luck stays at the report's level. S. Holm, "A Simple Sequentially Rejective Multiple Test
Procedure", Scandinavian Journal of Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapterctl.records.parity import MetricParity, Verdict
from adapterctl.rules.parity.bootstrap import FEWEST_ROWS
from adapterctl.rules.parity.measured import Measured, Terms, measure
from adapterctl.rules.parity.metrics import named
from adapterctl.rules.parity.side_by_side import SideBySide, by_slice

TOO_FEW = f"fewer than {FEWEST_ROWS} rows: listed, not judged"


def judge_slices(sides: Sequence[SideBySide], terms: Terms) -> list[MetricParity]:
    """Returns a line per slice and metric; set metrics are not read on slices.

    A slice is FAIL when its harm is significant after correction, PASS when its own interval
    lies above minus the margin, else INCONCLUSIVE; only FAIL counts towards the report.
    """
    measured = [each for side in sides for each in _measured(side, terms)]
    p_values = [_p_value(each) for each in measured]
    harmed = holm([p for p in p_values if p is not None], terms.level)
    verdicts = iter(harmed)
    return [
        _line(each, p, harm=p is not None and next(verdicts), level=terms.level)
        for each, p in zip(measured, p_values, strict=True)
    ]


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Returns which hypotheses fall, with the chance of any false one at most ``level``."""
    fallen = [False] * len(p_values)
    ranked = sorted(range(len(p_values)), key=lambda number: p_values[number])
    for rank, number in enumerate(ranked):
        if p_values[number] > level / (len(p_values) - rank):
            break
        fallen[number] = True
    return fallen


def _measured(side: SideBySide, terms: Terms) -> list[Measured]:
    return [
        measure(part, metric, terms=terms, slice_name=name)
        for metric in side.metrics
        if named(metric).kind != "set"
        for name, part in by_slice(side).items()
    ]


def _p_value(measured: Measured) -> float | None:
    if measured.rows < FEWEST_ROWS or measured.evidence is None:
        return None
    return measured.evidence.harm_p_value(measured.margin.margin)


def _line(measured: Measured, p_value: float | None, *, harm: bool, level: float) -> MetricParity:
    if p_value is None:
        note = TOO_FEW if measured.rows < FEWEST_ROWS else measured.obstacle
        return measured.line("INCONCLUSIVE", level=level, note=note)
    verdict: Verdict = "FAIL" if harm else "INCONCLUSIVE"
    if not harm and measured.above_margin(level):
        verdict = "PASS"
    return measured.line(verdict, level=level, note=f"harm beyond the margin: p = {p_value:.2g}")
