from __future__ import annotations

from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.rules.parity.tango import Pairs, harm_p_value, interval, statistic

TWO_SIDED_95 = 0.025
TWO_SIDED_90 = 0.05

# Outcomes (gains, losses, rows), error of each end, the interval as published, its decimals.
PUBLISHED = {
    "Tango (1998), Statistics in Medicine 17:891-908, cells 4, 9, 3, 16": (
        (9, 3, 32),
        TWO_SIDED_95,
        (-0.027, 0.390),
        3,
    ),
    "Tango (1998), cross-over of contact lens disinfection, cells 43, 0, 1, 0": (
        (0, 1, 44),
        TWO_SIDED_90,
        (-0.096, 0.037),
        3,
    ),
    "Agresti and Min (2005), Statistics in Medicine 24:729-740, cells 53, 16, 8, 9": (
        (16, 8, 86),
        TWO_SIDED_95,
        (-0.020, 0.207),
        3,
    ),
    "Fagerland, Lydersen and Laake (2014), airway reactivity, cells 1, 1, 7, 12": (
        (1, 7, 21),
        TWO_SIDED_95,
        (-0.517, -0.026),
        3,
    ),
    "R contingencytables, ch. 8, complete response, cells 59, 6, 16, 80": (
        (6, 16, 161),
        TWO_SIDED_95,
        (-0.1240, -0.0054),
        4,
    ),
    "R PropCIs, scoreci.mp(25, 28, 618, 0.90)": (
        (28, 25, 618),
        TWO_SIDED_90,
        (-0.0148, 0.0247),
        4,
    ),
}


@st.composite
def outcomes(draw: st.DrawFn) -> Pairs:
    rows = draw(st.integers(1, 400))
    gains = draw(st.integers(0, rows))
    return Pairs(gains=gains, losses=draw(st.integers(0, rows - gains)), rows=rows)


LEVELS = st.sampled_from([0.001, 0.01, 0.025, 0.05, 0.2])


@pytest.mark.parametrize("source", PUBLISHED)
def test_published_intervals_are_found_again(source):
    (gains, losses, rows), level, published, decimals = PUBLISHED[source]

    found = interval(Pairs(gains=gains, losses=losses, rows=rows), level)

    assert tuple(round(end, decimals) for end in found) == published


def test_without_any_change_the_interval_still_has_a_width():
    z = NormalDist().inv_cdf(0.95)

    low, high = interval(Pairs(gains=0, losses=0, rows=50), 0.05)

    # With no discordant pair the statistic is -delta * sqrt(n / (|delta| - delta**2)).
    assert high == pytest.approx(z**2 / (50 + z**2))
    assert low == pytest.approx(-high)


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_when_every_row_changes_one_end_is_the_end_of_the_scale(rows):
    low, high = interval(Pairs(gains=rows, losses=0, rows=rows), 0.05)
    assert high == 1
    assert -1 < low < 1

    low, high = interval(Pairs(gains=0, losses=rows, rows=rows), 0.05)
    assert low == -1
    assert -1 < high < 1


@given(outcomes(), LEVELS)
def test_the_interval_contains_the_difference_and_stays_on_the_scale(pairs, level):
    low, high = interval(pairs, level)

    assert -1 <= low <= pairs.difference <= high <= 1


@given(outcomes(), LEVELS)
def test_swapping_the_sides_mirrors_the_interval(pairs, level):
    swapped = Pairs(gains=pairs.losses, losses=pairs.gains, rows=pairs.rows)

    low, high = interval(pairs, level)

    assert interval(swapped, level) == pytest.approx((-high, -low), abs=1e-9)


@given(outcomes())
def test_a_stricter_level_gives_a_wider_interval(pairs):
    low, high = interval(pairs, 0.05)
    lower, higher = interval(pairs, 0.01)

    assert lower <= low
    assert high <= higher


@given(outcomes(), LEVELS)
def test_at_its_ends_the_statistic_is_the_normal_quantile(pairs, level):
    z = NormalDist().inv_cdf(1 - level)
    low, high = interval(pairs, level)

    if -0.999 < low < pairs.difference:
        assert statistic(pairs, low) == pytest.approx(z, abs=1e-4)
    if pairs.difference < high < 0.999:
        assert statistic(pairs, high) == pytest.approx(-z, abs=1e-4)


@given(outcomes(), st.floats(0.001, 0.3), LEVELS)
def test_harm_is_significant_just_when_the_interval_lies_below_the_margin(pairs, margin, level):
    _, high = interval(pairs, level)
    p_value = harm_p_value(pairs, margin)

    if abs(high + margin) > 1e-9:
        assert (p_value < level) == (high < -margin)


@given(outcomes(), LEVELS)
def test_one_more_gain_never_lowers_the_interval(pairs, level):
    if pairs.gains + pairs.losses == pairs.rows:
        return
    more = Pairs(gains=pairs.gains + 1, losses=pairs.losses, rows=pairs.rows)

    for fewer_end, more_end in zip(interval(pairs, level), interval(more, level), strict=True):
        assert more_end >= fewer_end - 1e-9
