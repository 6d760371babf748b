"""Thresholds on another base: what they decided, they decide again."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.records.parity import Threshold
from adapterctl.rules.recipes import contradictions
from adapterctl.rules.thresholds import (
    FEW,
    note_on_thresholds,
    recalibrated,
    stale,
    with_thresholds,
)
from support.recipes import classifier

SHARES = st.lists(st.floats(0.001, 0.999), min_size=30, max_size=80, unique=True)


@given(SHARES, SHARES, st.floats(0.01, 0.99))
def test_as_many_rows_are_decided_as_before(old, new, threshold):
    rows = min(len(old), len(new))
    found = recalibrated("a", threshold, old=old[:rows], new=new[:rows])

    assert found.new is not None
    assert 0 < found.new <= 1
    assert found.decided == sum(value >= threshold for value in old[:rows])
    assert found.decided_new == found.decided


def test_a_candidate_that_is_less_sure_gets_a_lower_threshold():
    old = [n / 100 for n in range(100)]
    found = recalibrated("a", 0.8, old=old, new=[value / 2 for value in old])

    assert found == Threshold(
        label="a",
        old=0.8,
        new=0.3975,
        rows=100,
        decided=20,
        decided_new=20,
        decided_carried=0,
    )


def test_a_threshold_that_still_does_as_much_stays():
    sure = [0.01] * 20 + [0.99] * 20
    assert recalibrated("a", 0.7, old=sure, new=[0.02] * 20 + [0.9] * 20).new == 0.7


def test_where_nothing_or_all_was_decided_the_threshold_follows():
    low, high = [n / 200 for n in range(1, 41)], [0.5 + n / 200 for n in range(40)]
    nothing = recalibrated("a", 0.4, old=low, new=high)
    everything = recalibrated("a", 0.4, old=high, new=low)

    assert (nothing.decided, nothing.decided_new) == (0, 0)
    assert (everything.decided, everything.decided_new) == (40, 40)


def test_on_few_rows_nothing_is_set():
    found = recalibrated("a", 0.8, old=[0.9] * 29, new=[0.9] * 29)
    assert (found.new, found.note) == (None, FEW)


def test_what_was_set_goes_into_the_recipe_and_what_is_stale_stays():
    recipe = msgspec.structs.replace(classifier(), thresholds={"a": 0.8, "b": 0.7})
    found = [Threshold(label="a", old=0.8, new=0.6), *stale({"b": 0.7}, "gone")]
    assert with_thresholds(recipe, found).thresholds == {"a": 0.6, "b": 0.7}


def test_the_plan_calls_them_stale():
    recipe = msgspec.structs.replace(classifier(), thresholds={"b": 0.7, "a": 0.85})
    assert note_on_thresholds(recipe, old_base="old", new_base="new") == (
        "thresholds that were set on old are stale on new: a 0.85, b 0.7; a rebuild sets them "
        "anew on held-out training rows"
    )
    assert note_on_thresholds(classifier(), old_base="old", new_base="new") == ""


@pytest.mark.parametrize("value", [0.0, -0.1, 1.2])
def test_a_threshold_is_a_probability(value):
    recipe = msgspec.structs.replace(classifier(), thresholds={"a": value})
    assert [each.path for each in contradictions(recipe)] == [("thresholds", "a")]
