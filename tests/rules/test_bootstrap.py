from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adapterctl.records.parity import Prediction
from adapterctl.rules.parity.bootstrap import Sides, resample
from adapterctl.rules.parity.metrics import named


def mean(sums):
    return sums[..., 0] / sums[..., 1]


def means(old, new) -> Sides:
    ones = np.ones(len(old))
    return Sides(old=np.column_stack([old, ones]), new=np.column_stack([new, ones]), value=mean)


def router(accuracy: float, *, rows: int, labels: int, seed: int) -> list[Prediction]:
    random = np.random.default_rng(seed)
    right = random.random(rows) < accuracy
    guess = random.integers(labels, size=rows)
    return [
        Prediction(
            id=str(n), output=str(n % labels if right[n] else guess[n]), reference=str(n % labels)
        )
        for n in range(rows)
    ]


# Accuracy and seed of an old side and of a new one.
BOTH = ((0.90, 1), (0.89, 2))

VALUES = st.lists(
    st.tuples(st.floats(0, 1, allow_subnormal=False), st.floats(0, 1, allow_subnormal=False)),
    min_size=2,
    max_size=40,
)


def test_the_interval_of_a_mean_is_scipys():
    random = np.random.default_rng(3)
    old = random.random(120)
    new = np.clip(old - random.exponential(0.05, 120), 0, 1)

    ours = resample(means(old, new), seed=1, resamples=20_000).interval(0.05)
    theirs = stats.bootstrap(
        (new - old,), np.mean, confidence_level=0.9, method="BCa", n_resamples=20_000, rng=1
    ).confidence_interval

    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.0005)


@given(VALUES, st.sampled_from([0.01, 0.05, 0.2]))
def test_the_interval_contains_the_difference(values, level):
    old, new = np.array(values).T
    found = resample(means(old, new), seed=1, resamples=200)

    low, high = found.interval(level)

    assert found.here == pytest.approx(new.mean() - old.mean(), abs=1e-12)
    assert low <= found.here <= high


@given(VALUES)
def test_swapping_the_sides_mirrors_the_interval(values):
    old, new = np.array(values).T
    low, high = resample(means(old, new), seed=1, resamples=200).interval(0.05)

    assert resample(means(new, old), seed=1, resamples=200).interval(0.05) == pytest.approx(
        (-high, -low), abs=1e-9
    )


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    sides = means(np.linspace(0, 1, 50), np.linspace(1, 0, 50) ** 2)

    assert resample(sides, seed=1).interval(0.05) == resample(sides, seed=1).interval(0.05)
    assert resample(sides, seed=1).interval(0.05) != resample(sides, seed=2).interval(0.05)


def test_rows_are_drawn_in_pairs():
    old = np.random.default_rng(1).random(100)

    # Each row loses exactly 0.1: unpaired draws would not know it.
    low, high = resample(means(old, old - 0.1), seed=1).interval(0.05)

    assert (low, high) == pytest.approx((-0.1, -0.1))


def test_a_resample_without_any_unit_says_nothing():
    counted = np.array([[1.0, 1.0]] + [[0.0, 0.0]] * 9)
    found = resample(Sides(old=counted, new=counted, value=mean), seed=1, resamples=500)

    # About (9/10)**10 of the resamples miss the only row that has a unit.
    assert 0 < len(found.draws) < 500
    assert found.interval(0.05) == (0, 0)


@pytest.mark.parametrize("rows", [60, 300])
def test_the_error_of_a_mean_is_near_its_level(rows):
    """1,000 draws of a truth exactly on the margin; the standard error of the rate is 0.007."""
    margin, wrong = 0.05, 0
    random = np.random.default_rng(7)
    for trial in range(1_000):
        old = random.random(rows)
        falls = np.where(random.random(rows) < 0.5, random.exponential(0.1, rows), 0.0)
        low, _ = resample(means(old, old - falls), seed=trial, resamples=500).interval(0.05)
        wrong += low > -margin

    assert wrong / 1_000 == pytest.approx(0.05, abs=0.025)


@pytest.mark.slow
def test_the_error_of_macro_f1_is_near_its_level():
    """Samples from 50,000 rows whose difference is known; the rate's standard error is 0.01."""
    metric = named("f1_macro")
    world = [metric.features(router(a, rows=50_000, labels=5, seed=s)) for a, s in BOTH]
    truth = float(metric.value(world[1].sum(axis=0)) - metric.value(world[0].sum(axis=0)))
    random = np.random.default_rng(7)
    wrong = np.zeros(2)
    for trial in range(500):
        drawn = random.integers(50_000, size=200)
        old, new = (side[drawn] for side in world)
        sides = Sides(old=old, new=new, value=metric.value)
        low, high = resample(sides, seed=trial, resamples=500).interval(0.05)
        wrong += np.array([low > truth, high < truth])

    assert wrong / 500 == pytest.approx((0.05, 0.05), abs=0.03)


def test_macro_f1_of_a_large_set_takes_little_time():
    metric = named("f1_macro")
    old, new = (metric.features(router(a, rows=3080, labels=77, seed=s)) for a, s in BOTH)

    start = time.perf_counter()
    resample(Sides(old=old, new=new, value=metric.value), seed=1)

    # Below 1 s on two idle cores; the machine may be busy.
    assert time.perf_counter() - start < 10
