"""The rows that are said to decide do decide with the stated power, computed exactly."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from adapterctl.rules.parity.flips import exact_bounds
from adapterctl.rules.parity.sample_size import (
    MOST_ROWS,
    POWER,
    for_mean,
    for_pairs,
    for_rate,
    to_plan,
)
from adapterctl.rules.parity.tango import Pairs, interval

LEVEL = 0.05

# Observed gains and losses of so many rows, and the margin.
OBSERVED = {
    "nothing lost on balance": (10, 10, 200, 0.02),
    "a little gained": (10, 8, 200, 0.02),
    "a little lost, inside the margin": (6, 9, 150, 0.05),
    "lost, beyond the margin": (2, 14, 200, 0.03),
    "no row changed": (0, 0, 60, 0.02),
}


def decided(n: int, *, gain_rate: float, loss_rate: float, margin: float) -> tuple[float, float]:
    """Returns the exact probabilities of PASS and of FAIL on n rows."""
    gains, losses = np.arange(n + 1)[:, None], np.arange(n + 1)[None, :]
    weights = binom.pmf(losses, n, loss_rate) * binom.pmf(
        gains, np.maximum(n - losses, 0), gain_rate / (1 - loss_rate)
    )
    passed = failed = 0.0
    for g, x in zip(*np.nonzero(weights > 1e-7), strict=True):
        if g + x <= n:
            low, high = interval(Pairs(gains=int(g), losses=int(x), rows=n), LEVEL)
            passed += weights[g, x] * (low > -margin)
            failed += weights[g, x] * (high < -margin)
    return passed, failed


@pytest.mark.parametrize("case", OBSERVED)
def test_the_rows_said_to_decide_do_so_with_the_stated_power(case):
    gains, losses, rows, margin = OBSERVED[case]
    needed = for_pairs(Pairs(gains=gains, losses=losses, rows=rows), margin=margin, level=LEVEL)
    rates = [(count + 0.5) / (rows + 2) for count in (gains, losses)]

    assert needed is not None
    assert needed > rows
    passed, failed = decided(needed, gain_rate=rates[0], loss_rate=rates[1], margin=margin)
    power = passed if rates[0] - rates[1] > -margin else failed
    assert POWER - 0.01 <= power <= POWER + 0.05


def test_without_any_change_the_rows_are_near_where_the_interval_itself_would_pass():
    needed = for_pairs(Pairs(gains=0, losses=0, rows=10_000), margin=0.001, level=LEVEL)

    # Tango's lower end with no change is -z**2 / (n + z**2).
    assert needed is not None
    assert 2_700 < needed < 10_002


def test_a_difference_on_the_margin_is_decided_by_no_number_of_rows():
    assert for_mean(0.01, distance=0.0, rows=100, level=LEVEL) is None
    assert for_mean(0.01, distance=1e-6, rows=100, level=LEVEL) is None
    assert for_mean(0.0, distance=0.0, rows=100, level=LEVEL) is None
    assert for_rate(4, 99, limit=0.045, level=LEVEL) is None


def test_the_rows_for_a_mean_follow_the_textbook():
    # ((1.6449 + 0.8416) * 0.2 / 0.05) ** 2 = 98.9
    assert for_mean(0.02, distance=0.05, rows=100, level=LEVEL) == 101
    assert for_mean(0.02 * sqrt(2), distance=0.05, rows=50, level=LEVEL) == 99


@pytest.mark.parametrize(
    ("count", "rows", "limit"), [(4, 200, 0.05), (42, 1000, 0.05), (16, 200, 0.05), (1, 50, 0.1)]
)
def test_the_rows_for_a_rate_decide_with_the_stated_power(count, rows, limit):
    needed = for_rate(count, rows, limit=limit, level=LEVEL)
    rate = (count + 0.5) / (rows + 1)

    assert needed is not None
    power = 0.0
    for flips in range(needed + 1):
        low, high = exact_bounds(flips, needed, LEVEL)
        if high <= limit if rate < limit else low > limit:
            power += binom.pmf(flips, needed, rate)
    # An exact test jumps between counts, so its power saws about the smooth formula.
    assert POWER - 0.05 <= power <= POWER + 0.1


@given(st.integers(0, 30), st.integers(0, 30), st.integers(60, 500), st.floats(0.001, 0.2))
def test_the_rows_are_more_than_there_are_or_none_would_do(gains, losses, rows, margin):
    needed = for_pairs(Pairs(gains=gains, losses=losses, rows=rows), margin=margin, level=LEVEL)

    assert needed is None or rows < needed <= max(MOST_ROWS, rows + 1)


@pytest.mark.parametrize(("margin", "flips"), [(0.02, 0.05), (0.05, 0.1), (0.01, 0.02)])
def test_what_is_planned_is_what_such_rows_would_have_asked_for(margin, flips):
    planned = to_plan(margin=margin, flips=flips, level=0.05)
    few = Pairs(rows=400, gains=round(400 * flips), losses=round(400 * flips))
    assert planned == pytest.approx(for_pairs(few, margin=margin, level=0.05), rel=0.12)
    rows = planned
    even = Pairs(rows=rows, gains=round(rows * flips), losses=round(rows * flips))
    low, _ = interval(even, level=0.05)
    assert low > -margin


def test_no_number_of_rows_is_planned_for_no_margin():
    assert to_plan(margin=0.0, flips=0.05, level=0.05) is None
