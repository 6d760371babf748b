"""How many rows flip when nothing but the seed changes: the floor under negative flips.

Two trainings of one recipe on one base disagree, too: M. Milani Fard et al., "Launch and Iterate:
Reducing Prediction Churn" (2016); S. Yan et al., "Positive-Congruent Training" (2021). Flips up to
that number would have come with any retraining, and say nothing against the successor.

The recipe is the candidate's, on the successor. That base is here whenever there is a candidate,
while the old one may be gone; and it is this candidate, with the noise of its own training, that
will serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import msgspec

from adapterctl.records.parity import NegativeFlips, NoiseFloor, NoiseReading, Prediction
from adapterctl.rules.parity.flips import exact_bounds, flips
from adapterctl.rules.parity.side_by_side import SideBySide, paired


def with_floor(
    counted: NegativeFlips,
    runs: Sequence[Sequence[Prediction]],
    *,
    metrics: Sequence[str],
    drop: float,
    level: float,
) -> NegativeFlips:
    """Returns the flips of a set with their noise floor.

    Args:
        counted: flips from the old side to the candidate.
        runs: what the candidate, and each training by another seed, answered on the set.
        metrics: the set's, by which rows are right or wrong.
        drop: see `flips`.
        level: one-sided, of the lower bound of the flips.

    Returns:
        the same without a floor, where no metric says which rows are right.
    """
    shares = []
    for before, now in permutations(runs, 2):
        side = paired(
            SideBySide(
                set=counted.set, metrics=list(metrics), old=list(before), candidate=list(now)
            )
        )
        found = flips(side, drop=drop)
        if found is None:
            return counted
        shares.append(len(found) / len(side.old))
    floor = NoiseFloor(
        seeds=len(runs) - 1,
        pairs=len(shares),
        rate=sum(shares) / len(shares),
        highest=max(shares),
        reading=_reading(counted, shares, level=level),
    )
    return msgspec.structs.replace(counted, floor=floor)


def _reading(counted: NegativeFlips, shares: Sequence[float], *, level: float) -> NoiseReading:
    """Within, when some pair of seeds flips as many; above, when the true share is above theirs."""
    if counted.rate <= max(shares):
        return "within"
    low, _ = exact_bounds(counted.flips, counted.rows, level)
    return "above" if low > sum(shares) / len(shares) else "undecided"
