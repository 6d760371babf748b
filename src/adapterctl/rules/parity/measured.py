"""One metric read on the three sides of one set or slice, and what can be concluded from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapterctl.records.parity import MetricParity, Prediction, Verdict
from adapterctl.records.recipe import Margin
from adapterctl.rules.parity.bootstrap import FEWEST_ROWS
from adapterctl.rules.parity.evidence import Evidence, evidence
from adapterctl.rules.parity.metrics import Metric, lacks, named, score
from adapterctl.rules.parity.side_by_side import SideBySide

TOO_FEW_ROWS = f"fewer than {FEWEST_ROWS} rows, the fewest it is judged on"
OTHER_UNITS = "the sides were counted in different {unit}: see perplexity_per_byte"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a comparison is held to.

    Attributes:
        margins: evaluation set to metric to margin, in the metric's units.
        default_margin: holds where ``margins`` says nothing.
        flip_limit: largest share of negative flips, 0 to 1.
        level: error of each one-sided bound, above 0 and below 0.5.
        seed: of the bootstrap.
        flip_drop: for sets with continuous scores only, the fall of a row's score that counts as
            a flip.
    """

    margins: Mapping[str, Mapping[str, Margin]]
    default_margin: Margin
    flip_limit: float
    level: float
    seed: int
    flip_drop: float = 0.5

    def margin(self, name: str, metric: str) -> Margin:
        """Returns the margin of a metric on a set."""
        return self.margins.get(name, {}).get(metric, self.default_margin)

    def by_default(self, name: str, metric: str) -> bool:
        """Whether nobody set a margin for this metric on this set."""
        return metric not in self.margins.get(name, {})


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One metric on one set or slice.

    Attributes:
        old: the metric's value there; ``None`` for a side that is not there or lacks scores.
        evidence: what the pairs of old and candidate say of the gain; ``None`` when nothing.
        obstacle: why they say nothing; else empty.
    """

    metric: Metric
    set: str
    slice: str | None
    rows: int
    margin: Margin
    old: float | None
    bare: float | None
    candidate: float | None
    evidence: Evidence | None
    obstacle: str

    def breach(self) -> str:
        """Returns how the candidate breaks the hard limit, as words; empty when it does not."""
        limit, value = self.margin.limit, self.candidate
        if limit is None or value is None or self.metric.gain(value - limit) >= 0:
            return ""
        side = "above" if self.metric.lower_is_better else "below"
        return f"{value:.4g} is {side} the limit {limit:g}"

    def verdict(self, level: float) -> Verdict:
        """Returns the verdict against margin and hard limit."""
        if self.breach():
            return "FAIL"
        if self.evidence is None:
            return "INCONCLUSIVE"
        if self.above_margin(level):
            return "PASS"
        _, high = self.evidence.interval(level)
        return "FAIL" if high < -self.margin.margin else "INCONCLUSIVE"

    def above_margin(self, level: float) -> bool:
        """Whether the gain is shown to lie above minus the margin."""
        return self.evidence is not None and self.evidence.interval(level)[0] > -self.margin.margin

    def rows_needed(self, level: float) -> int | None:
        """Returns the rows that would decide, as far as rows can."""
        if self.evidence is not None:
            return self.evidence.rows_needed(self.margin.margin, level)
        return FEWEST_ROWS if self.rows < FEWEST_ROWS else None

    def line(
        self, verdict: Verdict, *, level: float, rows_needed: int | None = None, note: str = ""
    ) -> MetricParity:
        """Returns the line of the report."""
        return MetricParity(
            name=self.metric.name,
            set=self.set,
            slice=self.slice,
            rows=self.rows,
            old=self.old,
            bare=self.bare,
            candidate=self.candidate,
            difference=self._difference(),
            interval=self._interval(level),
            margin=self.margin.margin,
            verdict=verdict,
            rows_needed=rows_needed,
            note=note or None,
        )

    def _difference(self) -> float | None:
        if self.old is None or self.candidate is None:
            return None
        return self.candidate - self.old

    def _interval(self, level: float) -> tuple[float, float] | None:
        if self.evidence is None:
            return None
        low, high = self.evidence.interval(level)
        return (-high, -low) if self.metric.lower_is_better else (low, high)


def measure(
    side: SideBySide, metric: str, *, terms: Terms, slice_name: str | None = None
) -> Measured:
    """Reads one metric on the paired rows of one set or slice."""
    chosen = named(metric)
    obstacle = _obstacle(chosen, side)
    found = None
    if not obstacle:
        found = evidence(chosen, side.old, side.candidate, seed=terms.seed)
        obstacle = "" if found else TOO_FEW_ROWS
    return Measured(
        metric=chosen,
        set=side.set,
        slice=slice_name,
        rows=len(side.old),
        margin=terms.margin(side.set, metric),
        old=_value(chosen, side.old),
        bare=_value(chosen, side.bare),
        candidate=_value(chosen, side.candidate),
        evidence=found,
        obstacle=obstacle,
    )


def _value(metric: Metric, rows: Sequence[Prediction] | None) -> float | None:
    return score(metric.name, rows) if rows and not lacks(metric, rows) else None


def _obstacle(metric: Metric, side: SideBySide) -> str:
    for name, rows in (("old side", side.old), ("candidate", side.candidate)):
        lack = lacks(metric, rows)
        if lack:
            return f"{name}: {lack}"
    unit = metric.unit
    if unit and any(
        a.scores[unit] != b.scores[unit] for a, b in zip(side.old, side.candidate, strict=True)
    ):
        return OTHER_UNITS.format(unit=unit)
    return ""
