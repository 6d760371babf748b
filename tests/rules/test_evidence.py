from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.rules.parity import tango
from adapterctl.rules.parity.bootstrap import FEWEST_ROWS
from adapterctl.rules.parity.evidence import (
    FEWEST_CHANGES,
    FewChanges,
    PairedProportions,
    PairedResamples,
    evidence,
)
from adapterctl.rules.parity.metrics import named
from adapterctl.rules.parity.tango import Pairs
from support.answers import answers, outcomes, scored


def token_scores(values):
    """Returns rows whose token F1 is as given, one of 0, 1/2 and 1."""
    texts = {0: "w", 0.5: "x z z", 1: "x"}
    rows = scored(nothing=[0.0] * len(values))
    return [
        type(row)(id=row.id, output=texts[value], reference="x")
        for row, value in zip(rows, values, strict=True)
    ]


def test_proportions_are_judged_by_tangos_interval():
    old, new = outcomes(both=80, lost=12, gained=5, neither=3)

    found = evidence(named("accuracy"), answers(old), answers(new), seed=1)

    assert found == PairedProportions(pairs=Pairs(gains=5, losses=12, rows=100))
    assert found.interval(0.05) == tango.interval(Pairs(gains=5, losses=12, rows=100), 0.05)


def test_a_fall_counts_as_a_gain_where_lower_is_better():
    old = scored(nll=[2.0 + n % 7 / 10 for n in range(60)], bytes=[4.0] * 60)
    new = scored(nll=[1.5 + n % 7 / 10 for n in range(60)], bytes=[4.0] * 60)

    better = evidence(named("perplexity_per_byte"), old, new, seed=1)
    worse = evidence(named("perplexity_per_byte"), new, old, seed=1)

    assert isinstance(better, PairedResamples)
    assert better.interval(0.05)[0] > 0
    assert worse is not None
    assert worse.interval(0.05)[1] < 0


def test_other_metrics_need_enough_rows():
    few, enough = ([1.0] * n for n in (FEWEST_ROWS - 1, FEWEST_ROWS))

    assert evidence(named("token_f1"), token_scores(few), token_scores(few), seed=1) is None
    assert evidence(named("token_f1"), token_scores(enough), token_scores(enough), seed=1)


def test_proportions_need_no_number_of_rows():
    assert evidence(named("accuracy"), answers([True]), answers([True]), seed=1) is not None


@pytest.mark.parametrize("metric", ["token_f1", "f1_macro"])
def test_two_equal_sides_are_not_certain_to_be_equal_for_ever(metric):
    rows = token_scores([1.0, 0.5] * 50)

    found = evidence(named(metric), rows, rows, seed=1)

    assert isinstance(found, FewChanges)
    assert found.interval(0.05) == tango.interval(Pairs(gains=0, losses=0, rows=100), 0.05)


def test_few_changed_rows_are_bounded_by_their_share():
    old = token_scores([1.0] * 200)
    new = token_scores([0.5] * 3 + [1.0] * 197)

    found = evidence(named("token_f1"), old, new, seed=1)

    assert found == FewChanges(up=0, down=3, rows=200, here=pytest.approx(-0.5 * 3 / 200))
    low, high = found.interval(0.05)
    assert low == tango.interval(Pairs(gains=0, losses=3, rows=200), 0.05)[0]
    assert high > 0
    assert found.harm_p_value(0.001) == 1


def test_enough_changed_rows_are_drawn_from():
    changed = FEWEST_CHANGES
    old = token_scores([1.0] * 200)
    new = token_scores([0.5] * changed + [1.0] * (200 - changed))

    assert isinstance(evidence(named("token_f1"), old, new, seed=1), PairedResamples)


@given(st.integers(0, 9), st.integers(0, 9), st.floats(0, 1), st.integers(30, 500))
def test_the_bound_on_few_changes_contains_the_gain_and_never_finds_harm(up, down, part, rows):
    here = part * (up - down) / rows
    found = FewChanges(up=up, down=down, rows=rows, here=here)

    low, high = found.interval(0.05)

    assert low <= here <= high
    assert high >= 0
    assert found.harm_p_value(0.01) == 1


def test_harm_that_is_certain_has_a_small_p_value_and_certain_gain_a_large_one():
    old = scored(nll=[2.0 + n % 7 / 10 for n in range(60)], bytes=[4.0] * 60)
    new = scored(nll=[2.5 + n % 5 / 10 for n in range(60)], bytes=[4.0] * 60)
    metric = named("perplexity_per_byte")

    harmed, gained = evidence(metric, old, new, seed=1), evidence(metric, new, old, seed=1)

    assert harmed is not None
    assert gained is not None
    assert harmed.harm_p_value(0.0) < 1e-6
    assert gained.harm_p_value(0.0) > 1 - 1e-6
