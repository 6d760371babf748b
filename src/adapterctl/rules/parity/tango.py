"""Tango's score interval for the difference of two paired proportions.

T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
paired-sample design", Statistics in Medicine 17 (1998) 891-908.

How well it keeps its level, at 5 % one-sided, by exact enumeration of all outcomes (the test
draws nothing; see ``tests/rules/test_tango_error.py``), for n of 50, 200 and 1,000, discordance
rates of 0.02 to 0.9 and margins of 0.01 to 0.1, when the true difference is exactly minus the
margin:

- A false PASS never has a probability above 0.06, and where at least 3 gains are expected in
  the sample it is within 0.01 of 0.05. With fewer, discreteness makes it conservative, down to
  0 where the sample is too small for any PASS. Off the grid, at n = 50 and a truth in which gains
  cannot happen at all, single points reach 0.067.
- A false FAIL is within 0.01 of 0.05 where at least 4 gains are expected. With fewer it can
  reach 0.09: a candidate that sits exactly on the margin, with next to no gains, is failed
  somewhat too readily.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import copysign, inf, sqrt
from statistics import NormalDist

_STEPS = 60
"""Halvings of an interval of length at most 2: more than a double can resolve."""

_NOTHING = 1e-15
"""A variance per pair below this is rounding error of zero."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Of ``rows``, ``gains`` were wrong and are right now; ``losses`` the reverse."""

    gains: int
    losses: int
    rows: int

    @property
    def difference(self) -> float:
        """The observed difference of the proportions, new minus old."""
        return (self.gains - self.losses) / self.rows


def interval(pairs: Pairs, level: float) -> tuple[float, float]:
    """Returns the interval of the difference, each end one-sided at ``level``.

    The ends are where the score statistic equals the normal quantile; they are found by
    bisection, as the statistic falls with the difference.

    Args:
        pairs: the outcomes; ``rows`` at least 1.
        level: error of each end, as 0.05 for a two-sided interval of 90 %.
    """
    z = NormalDist().inv_cdf(1 - level)
    here = pairs.difference
    low = _crossing(lambda delta: statistic(pairs, delta) > z, low=-1.0, high=here)
    high = _crossing(lambda delta: statistic(pairs, delta) >= -z, low=here, high=1.0)
    return low, high


def harm_p_value(pairs: Pairs, margin: float) -> float:
    """Returns the one-sided p-value against "the difference is at least minus the margin"."""
    return NormalDist().cdf(statistic(pairs, -margin))


def statistic(pairs: Pairs, delta: float) -> float:
    """Returns Tango's score statistic of the hypothesis that the difference is ``delta``.

    Standard normal under it for large samples; positive when more was gained than it says.
    """
    n = pairs.rows
    lost = restricted_loss_rate(pairs.gains / n, pairs.losses / n, delta)
    variance = 2 * lost + delta * (1 - delta)
    excess = pairs.difference - delta
    if variance > _NOTHING:
        return excess / sqrt(variance / n)
    return copysign(inf, excess) if abs(excess) > _NOTHING else 0.0


def restricted_loss_rate(gained: float, lost: float, delta: float) -> float:
    """Returns the most likely rate of losses, given that gains minus losses is ``delta``.

    Args:
        gained: observed rate of gains.
        lost: observed rate of losses.
        delta: the difference that is assumed, -1 to 1.
    """
    b = -gained - lost + (2 - gained + lost) * delta
    c = -lost * delta * (1 - delta)
    return max(0.0, (sqrt(max(b * b - 8 * c, 0.0)) - b) / 4)


def _crossing(left_of: Callable[[float], bool], *, low: float, high: float) -> float:
    """Returns the point between ``low`` and ``high`` left of which ``left_of`` holds."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if left_of(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2
