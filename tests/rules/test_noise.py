"""What another seed alone flips, and how flips stand to it."""

from __future__ import annotations

import pytest

from adapterctl.records.parity import Prediction
from adapterctl.rules.parity.flips import judge_flips
from adapterctl.rules.parity.noise import with_floor
from adapterctl.rules.parity.side_by_side import SideBySide


def run(wrong: set[int], rows: int = 200) -> list[Prediction]:
    return [
        Prediction(id=str(n), output="no" if n in wrong else "yes", reference="yes")
        for n in range(rows)
    ]


def floored(lost: set[int], *seeds: set[int], metrics: tuple[str, ...] = ("accuracy",)):
    candidate = run(lost)
    side = SideBySide(set="gold", metrics=["accuracy"], old=run(set()), candidate=candidate)
    counted = judge_flips(side, limit=1.0, level=0.05, drop=0.5)
    assert counted is not None
    runs = [candidate, *(run(seed) for seed in seeds)]
    return with_floor(counted, runs, metrics=metrics, drop=0.5, level=0.05)


def test_the_floor_is_the_mean_over_every_ordered_pair():
    found = floored({0, 1}, {2}, set()).floor

    # From the candidate: row 2; none. To it: rows 0 and 1, twice. Between the seeds: none; row 2.
    assert found is not None
    assert (found.seeds, found.pairs) == (2, 6)
    assert found.rate == pytest.approx((1 + 0 + 2 + 2 + 0 + 1) / 6 / 200)
    assert found.highest == pytest.approx(2 / 200)


def test_flips_that_another_seed_makes_too_are_within():
    lost = set(range(10))
    assert floored(lost, set(range(10, 20))).floor.reading == "within"


def test_many_flips_where_seeds_agree_are_above():
    lost = set(range(40))
    assert floored(lost, lost | {50}, lost).floor.reading == "above"


def test_a_few_more_flips_than_seeds_make_are_undecided():
    lost = set(range(8))
    assert floored(lost, (lost - set(range(5))) | set(range(10, 15))).floor.reading == "undecided"


def test_the_order_of_rows_plays_no_part():
    one, other = run({0, 1}), run({2})
    side = SideBySide(set="gold", metrics=["accuracy"], old=run(set()), candidate=one)
    counted = judge_flips(side, limit=1.0, level=0.05, drop=0.5)
    assert counted is not None
    given = {"metrics": ("accuracy",), "drop": 0.5, "level": 0.05}
    assert with_floor(counted, [one, other[::-1]], **given) == with_floor(
        counted, [one, other], **given
    )


def test_where_no_metric_counts_there_is_no_floor():
    assert floored({0}, {1}, metrics=()).floor is None
