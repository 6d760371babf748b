"""How many rows would decide, if what was observed went on: the figure beside INCONCLUSIVE.

Each takes the observed rates for the true ones and returns the rows at which the test that is
used decides with probability `POWER`: PASS when the observed difference lies above minus the
margin, FAIL when it lies below. They are plans, not promises.
"""

from __future__ import annotations

from math import ceil, sqrt
from statistics import NormalDist

from adapterctl.rules.parity.tango import Pairs, restricted_loss_rate

POWER = 0.8

MOST_ROWS = 1_000_000
"""Beyond this the honest answer is that more rows will not decide."""


def for_pairs(pairs: Pairs, *, margin: float, level: float) -> int | None:
    """Returns the rows that would decide on a difference of paired proportions.

    J. Nam, "Establishing equivalence of two treatments and sample size requirements in
    matched-pairs design", Biometrics 53 (1997) 1422-1430: the sample size of the score test that
    Tango's interval inverts. Half a row is added to each of the four outcomes (A. Agresti and
    Y. Min, Statistics in Medicine 24 (2005) 729-740), so that an outcome not seen yet is not
    taken for one that never happens.

    Returns:
        The rows, more than there are; ``None`` when above `MOST_ROWS`.
    """
    gained = (pairs.gains + 0.5) / (pairs.rows + 2)
    lost = (pairs.losses + 0.5) / (pairs.rows + 2)
    assumed = 2 * restricted_loss_rate(gained, lost, -margin) - margin - margin**2
    believed = gained + lost - (gained - lost) ** 2
    distance = gained - lost + margin
    return _rows(sqrt(max(assumed, 0.0)), sqrt(believed), distance, level=level, had=pairs.rows)


def to_plan(*, margin: float, flips: float, level: float) -> int | None:
    """Returns the rows to have beforehand, for a candidate that is truly as good.

    The same formula as `for_pairs`, with as many rows gained as lost.

    Args:
        margin: what loss is accepted, as a share.
        flips: share of the rows that change for the better, and as many for the worse.
        level: one-sided level.

    Returns:
        ``None`` when above `MOST_ROWS`.
    """
    assumed = 2 * restricted_loss_rate(flips, flips, -margin) - margin - margin**2
    return _rows(sqrt(max(assumed, 0.0)), sqrt(2 * flips), margin, level=level, had=0)


def for_mean(standard_error: float, *, distance: float, rows: int, level: float) -> int | None:
    """Returns the rows that would decide on a difference that is nearly normal.

    The usual formula for one mean, ``((z_level + z_power) * sd / distance) ** 2``, with
    ``sd = standard_error * sqrt(rows)``.

    Args:
        standard_error: of the difference, as estimated from ``rows``.
        distance: the observed difference, counted as a gain, plus the margin.
        rows: rows that were judged.
        level: one-sided level.
    """
    deviation = standard_error * sqrt(rows)
    return _rows(deviation, deviation, distance, level=level, had=rows)


def for_rate(count: int, rows: int, *, limit: float, level: float) -> int | None:
    """Returns the rows that would decide whether a rate lies below a limit by exact bounds.

    The normal approximation for one proportion against a limit, ``limit - rate`` shortened by
    half a row (continuity correction), without which exact bounds fall short of the power. Half
    a row is added to each outcome that was observed.
    """
    rate = (count + 0.5) / (rows + 1)
    distance = abs(limit - rate)
    deviations = sqrt(limit * (1 - limit)), sqrt(rate * (1 - rate))
    smooth = _rows(*deviations, distance=distance, level=level, had=0)
    if smooth is None:
        return None
    corrected = smooth / 4 * (1 + sqrt(1 + 2 / (smooth * distance))) ** 2
    return max(ceil(corrected), rows + 1)


def _rows(
    assumed: float, believed: float, distance: float, *, level: float, had: int
) -> int | None:
    """Returns ((z_level * sd if on the margin + z_power * sd believed) / distance) ** 2."""
    normal = NormalDist()
    needed = normal.inv_cdf(1 - level) * assumed + normal.inv_cdf(POWER) * believed
    if needed >= abs(distance) * sqrt(MOST_ROWS):
        return None
    return max(ceil((needed / distance) ** 2), had + 1)
