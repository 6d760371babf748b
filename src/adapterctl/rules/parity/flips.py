"""Negative flips: rows that were right before and are wrong now.

An equal accuracy can hide them: what was learned elsewhere does not console the user whose case
worked yesterday. S. Yan et al., "Positive-Congruent Training" (2021).
"""

from __future__ import annotations

from collections.abc import Sequence

from adapterctl.errors import MissingExtra
from adapterctl.records.noun import Noun
from adapterctl.records.parity import NegativeFlips, Prediction, Verdict
from adapterctl.rules.parity import sample_size
from adapterctl.rules.parity.metrics import Metric, lacks, named, per_row
from adapterctl.rules.parity.side_by_side import SideBySide


class Flip(Noun, frozen=True, kw_only=True):
    """One row that was right and is wrong now, for a person to read."""

    set: str
    id: str
    slice: str | None
    reference: str
    old: str
    candidate: str


def flips(side: SideBySide, *, drop: float) -> list[Flip] | None:
    """Returns the negative flips of a paired set, in its order.

    Args:
        side: rows in the same order on both sides.
        drop: for continuous scores, a flip is a fall of a row's score by more than this.

    Returns:
        ``None`` when no metric of the set says whether one row is right.
    """
    basis = _basis(side)
    if basis is None:
        return None
    old, new = per_row(basis, side.old), per_row(basis, side.candidate)
    rows = zip(side.old, side.candidate, old, new, strict=True)
    return [
        Flip(
            set=side.set,
            id=a.id,
            slice=a.slice,
            reference=a.reference,
            old=a.output,
            candidate=b.output,
        )
        for a, b, before, now in rows
        if before - now > drop
    ]


def judge_flips(
    side: SideBySide, *, limit: float, level: float, drop: float
) -> NegativeFlips | None:
    """Returns the verdict on the share of negative flips; ``None`` when there is none to count.

    PASS when the upper bound is at most the limit, FAIL when the lower bound is above it. The
    bounds are `exact_bounds`, each one-sided at ``level``.
    """
    found = flips(side, drop=drop)
    if found is None:
        return None
    count, rows = len(found), len(side.old)
    low, high = exact_bounds(count, rows, level)
    verdict = _verdict(low, high, limit)
    needed = sample_size.for_rate(count, rows, limit=limit, level=level)
    return NegativeFlips(
        set=side.set,
        rows=rows,
        flips=count,
        rate=count / rows,
        upper=high,
        limit=limit,
        verdict=verdict,
        rows_needed=needed if verdict == "INCONCLUSIVE" else None,
    )


def exact_bounds(count: int, rows: int, level: float) -> tuple[float, float]:
    """Returns exact bounds of a rate, each one-sided at ``level``.

    C. Clopper and E. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case
    of the Binomial", Biometrika 26 (1934) 404-413. Chosen over Wilson's because the error of
    each never exceeds the level.
    """
    try:
        from scipy.special import betaincinv
    except ModuleNotFoundError:
        raise MissingExtra("train", needed_for="the verdict on negative flips") from None
    low = float(betaincinv(count, rows - count + 1, level)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, rows - count, 1 - level)) if count < rows else 1.0
    return low, high


def _verdict(low: float, high: float, limit: float) -> Verdict:
    if high <= limit:
        return "PASS"
    return "FAIL" if low > limit else "INCONCLUSIVE"


def _basis(side: SideBySide) -> Metric | None:
    """Returns the metric that says whether a row is right.

    The first proportion; without one, the label where a set metric of labels is read; else the
    first mean.
    """
    chosen = [named(name) for name in side.metrics]
    order = [metric for metric in chosen if metric.kind == "proportion"]
    order += [named("accuracy") for metric in chosen if metric.kind == "set"]
    order += [metric for metric in chosen if metric.kind == "mean"]
    return next((metric for metric in order if _complete(metric, side.old, side.candidate)), None)


def _complete(metric: Metric, *sides: Sequence[Prediction]) -> bool:
    return not any(lacks(metric, rows) for rows in sides)
