"""What paired rows say of a difference, whatever the metric; differences here are gains.

A gain is new minus old, turned round for a metric that is better when lower, so that every
question reads the same: is the gain above minus the margin?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

from adapterctl.records.parity import Prediction
from adapterctl.rules.parity import sample_size, tango
from adapterctl.rules.parity.bootstrap import FEWEST_ROWS, Resampled, Sides, resample
from adapterctl.rules.parity.metrics import Metric, per_row
from adapterctl.rules.parity.tango import Pairs

FEWEST_CHANGES = 10
"""With fewer rows gained and fewer lost than this, a bootstrap has too little to draw from."""


class Evidence(Protocol):
    """What can be asked of the rows, whichever method answers."""

    def interval(self, level: float) -> tuple[float, float]:
        """Returns the interval of the gain, each end one-sided at ``level``."""

    def harm_p_value(self, margin: float) -> float:
        """Returns the one-sided p-value against "the gain is at least minus the margin"."""

    def rows_needed(self, margin: float, level: float) -> int | None:
        """Returns the rows that would decide; ``None`` when no reasonable number would."""


@dataclass(frozen=True, kw_only=True)
class PairedProportions:
    """A proportion: Tango's score interval."""

    pairs: Pairs

    def interval(self, level: float) -> tuple[float, float]:
        """Returns Tango's interval."""
        return tango.interval(self.pairs, level)

    def harm_p_value(self, margin: float) -> float:
        """Returns the p-value of Tango's test."""
        return tango.harm_p_value(self.pairs, margin)

    def rows_needed(self, margin: float, level: float) -> int | None:
        """Returns Nam's sample size."""
        return sample_size.for_pairs(self.pairs, margin=margin, level=level)


@dataclass(frozen=True, kw_only=True)
class PairedResamples:
    """Any other metric: paired bootstrap; p-values take its standard error for a normal one."""

    rows: int
    resampled: Resampled

    def interval(self, level: float) -> tuple[float, float]:
        """Returns the BCa interval."""
        return self.resampled.interval(level)

    def harm_p_value(self, margin: float) -> float:
        """Returns the normal p-value."""
        distance = self.resampled.here + margin
        error = self.resampled.standard_error
        return NormalDist().cdf(distance / error) if error > 0 else float(distance >= 0)

    def rows_needed(self, margin: float, level: float) -> int | None:
        """Returns the sample size for a mean."""
        return sample_size.for_mean(
            self.resampled.standard_error,
            distance=self.resampled.here + margin,
            rows=self.rows,
            level=level,
        )


@dataclass(frozen=True, kw_only=True)
class FewChanges:
    """A metric from 0 to 1 on which fewer than `FEWEST_CHANGES` rows gained, and lost.

    The mean cannot have fallen by more than the share of rows that lost, nor risen by more than
    the share that gained; each share is bounded by Tango's interval, which also speaks when
    nothing changed at all. For a set metric, where a row can weigh more or less than its share,
    this is an approximation. It never finds harm.
    """

    up: int
    down: int
    rows: int
    here: float

    def interval(self, level: float) -> tuple[float, float]:
        """Returns the bounds on both shares; contains the gain."""
        low, _ = tango.interval(self._lost(), level)
        _, high = tango.interval(Pairs(gains=self.up, losses=0, rows=self.rows), level)
        return min(low, self.here), max(high, self.here)

    def harm_p_value(self, margin: float) -> float:
        """Returns 1."""
        return 1.0

    def rows_needed(self, margin: float, level: float) -> int | None:
        """Returns Nam's sample size for the bound."""
        return sample_size.for_pairs(self._lost(), margin=margin, level=level)

    def _lost(self) -> Pairs:
        return Pairs(gains=0, losses=self.down, rows=self.rows)


def evidence(
    metric: Metric, old: Sequence[Prediction], new: Sequence[Prediction], *, seed: int
) -> Evidence | None:
    """Returns what the rows say of the gain; ``None`` when there are too few for this metric.

    Args:
        metric: its scores stand in every row.
        old: rows of the one side.
        new: the same rows, in the same order, of the other.
        seed: of the bootstrap.
    """
    if metric.kind == "proportion":
        up, down = _changes(metric, old, new)
        return PairedProportions(pairs=Pairs(gains=up, losses=down, rows=len(old)))
    if len(old) < FEWEST_ROWS:
        return None
    worse, better = (new, old) if metric.lower_is_better else (old, new)
    sides = Sides(old=metric.features(worse), new=metric.features(better), value=metric.value)
    resampled = resample(sides, seed=seed)
    up, down = _changes(metric, worse, better)
    if metric.bounded and max(up, down) < FEWEST_CHANGES:
        return FewChanges(up=up, down=down, rows=len(old), here=resampled.here)
    return PairedResamples(rows=len(old), resampled=resampled)


def _changes(
    metric: Metric, old: Sequence[Prediction], new: Sequence[Prediction]
) -> tuple[int, int]:
    """Returns how many rows gained and how many lost.

    A set metric has no score per row: there every row with another answer (or another score
    that the metric reads) may have done either, and counts on both sides.
    """
    if metric.kind in {"proportion", "mean"}:
        gains = [b - a for a, b in zip(per_row(metric, old), per_row(metric, new), strict=True)]
        return sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    changed = sum(_read(metric, a) != _read(metric, b) for a, b in zip(old, new, strict=True))
    return changed, changed


def _read(metric: Metric, row: Prediction) -> tuple[str, list[float]]:
    return row.output, [row.scores[name] for name in metric.reads(row)]
