"""The exact error of a verdict by Tango's interval: every outcome enumerated, none drawn.

For n rows, discordance rate psi and a true difference of exactly minus the margin, gains and
losses are trinomial with rates (psi - margin) / 2 and (psi + margin) / 2. The probability of a
false PASS (or FAIL) is the sum over the outcomes whose interval says so. The interval itself is
asked: for each number of losses, the fewest gains that pass are searched, as more gains never
lower an end (a property tested in test_tango.py).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from adapterctl.rules.parity.tango import Pairs, interval

LEVEL = 0.05
TOLERANCE = 0.01
DISCORDANCE = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.9)
MARGINS = (0.01, 0.02, 0.03, 0.05, 0.1)
SMALL = (50, 200)
LARGE = 1000

NEGLIGIBLE = 1e-9


@cache
def fewest_gains(n: int, losses: int, margin: float) -> tuple[int, int]:
    """Returns from how many gains on the verdict is PASS, and from how many it is not FAIL."""

    def ends(gains: int) -> tuple[float, float]:
        return interval(Pairs(gains=gains, losses=losses, rows=n), LEVEL)

    passes = first(lambda gains: ends(gains)[0] > -margin, n - losses + 1)
    return passes, first(lambda gains: ends(gains)[1] >= -margin, passes)


def first(holds, end: int) -> int:
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def errors(n: int, psi: float, margin: float) -> tuple[float, float]:
    """Returns the exact probabilities of PASS and of FAIL at a difference of minus the margin."""
    gain_rate, loss_rate = (psi - margin) / 2, (psi + margin) / 2
    given_losses = gain_rate / (1 - loss_rate)
    passed = failed = 0.0
    for losses in range(n + 1):
        weight = binom.pmf(losses, n, loss_rate)
        if weight < NEGLIGIBLE / n:
            continue
        passes, undecided = fewest_gains(n, losses, margin)
        passed += weight * binom.sf(passes - 1, n - losses, given_losses)
        failed += weight * binom.cdf(undecided - 1, n - losses, given_losses)
    return float(passed), float(failed)


def grid(sizes):
    return [(n, psi, m) for n in sizes for psi in DISCORDANCE for m in MARGINS if psi >= m]


def check(n: int, psi: float, margin: float) -> None:
    passed, failed = errors(n, psi, margin)
    expected_gains = n * (psi - margin) / 2

    assert passed <= LEVEL + TOLERANCE
    if expected_gains >= 3:
        assert passed == pytest.approx(LEVEL, abs=TOLERANCE)
    if expected_gains >= 4:
        assert failed == pytest.approx(LEVEL, abs=TOLERANCE)
    assert failed <= 0.09


@pytest.mark.parametrize(("n", "psi", "margin"), grid(SMALL))
def test_the_error_stays_within_a_hundredth_of_its_level(n, psi, margin):
    check(n, psi, margin)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "psi", "margin"), grid((LARGE,)))
def test_the_error_stays_within_a_hundredth_of_its_level_on_many_rows(n, psi, margin):
    check(n, psi, margin)


def test_the_enumeration_agrees_with_a_sum_over_every_single_outcome():
    n, psi, margin = 20, 0.3, 0.1
    gain_rate, loss_rate = (psi - margin) / 2, (psi + margin) / 2
    total = np.zeros(2)
    for losses in range(n + 1):
        for gains in range(n - losses + 1):
            low, high = interval(Pairs(gains=gains, losses=losses, rows=n), LEVEL)
            weight = binom.pmf(losses, n, loss_rate) * binom.pmf(
                gains, n - losses, gain_rate / (1 - loss_rate)
            )
            total += weight * np.array([low > -margin, high < -margin])

    assert errors(n, psi, margin) == pytest.approx(tuple(total))


def test_where_gains_cannot_happen_the_docstring_is_right_that_the_error_can_be_larger():
    passed, _ = errors(50, 0.085, 0.085)

    assert passed == pytest.approx(0.0665, abs=5e-4)


def test_a_candidate_on_the_margin_without_gains_is_failed_too_readily():
    _, failed = errors(200, 0.025, 0.015)

    assert failed == pytest.approx(0.0873, abs=5e-4)
