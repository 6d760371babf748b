from __future__ import annotations

import pytest
from scipy.stats import binomtest

from adapterctl.records.parity import Prediction
from adapterctl.rules.parity.flips import exact_bounds, flips, judge_flips
from adapterctl.rules.parity.side_by_side import SideBySide
from support.answers import scored, side_by_side


def judged(*, lost: int, rows: int, limit: float = 0.05):
    side = side_by_side(both=rows - lost, lost=lost)
    return judge_flips(side, limit=limit, level=0.05, drop=0.5)


def test_flips_are_the_rows_that_were_right_and_are_wrong_now():
    found = flips(side_by_side(both=2, lost=2, gained=3, neither=1), drop=0.5)

    assert found is not None
    assert [flip.id for flip in found] == ["2", "3"]
    assert (found[0].reference, found[0].old, found[0].candidate) == ("yes", "yes", "no")
    assert (found[0].set, found[0].slice) == ("gold", None)


def test_few_flips_among_many_rows_pass():
    found = judged(lost=10, rows=1000)

    assert (found.verdict, found.flips, found.rows, found.rate) == ("PASS", 10, 1000, 0.01)
    assert found.rows_needed is None


def test_many_flips_fail():
    assert judged(lost=100, rows=1000).verdict == "FAIL"


def test_flips_whose_bounds_straddle_the_limit_are_inconclusive_and_say_how_many_rows_decide():
    found = judged(lost=1, rows=50)

    assert found.verdict == "INCONCLUSIVE"
    assert found.rate < found.limit < found.upper
    assert found.rows_needed is not None
    assert found.rows_needed > 50


def test_no_flip_at_all_needs_rows_to_be_believed():
    # 0.95 ** 59 is the first power below 0.05.
    assert judged(lost=0, rows=58).verdict == "INCONCLUSIVE"
    assert judged(lost=0, rows=59).verdict == "PASS"


def test_a_limit_of_all_rows_never_fails():
    assert judged(lost=30, rows=30, limit=1.0).verdict == "PASS"


def test_the_bounds_are_scipys_exact_ones():
    low, high = exact_bounds(7, 80, 0.05)
    exact = binomtest(7, 80).proportion_ci(confidence_level=0.9, method="exact")

    assert (low, high) == pytest.approx((exact.low, exact.high))
    assert exact_bounds(0, 80, 0.05)[0] == 0
    assert exact_bounds(80, 80, 0.05)[1] == 1


def test_for_continuous_scores_a_flip_is_a_fall_by_more_than_the_drop():
    side = SideBySide(
        set="gold",
        metrics=["scorer"],
        old=scored(scorer=[1.0, 1.0, 0.9, 0.2]),
        candidate=scored(scorer=[0.6, 0.4, 0.9, 0.9]),
    )

    assert [flip.id for flip in flips(side, drop=0.5) or []] == ["1"]
    assert [flip.id for flip in flips(side, drop=0.3) or []] == ["0", "1"]


def test_where_labels_are_read_only_as_a_set_the_label_tells_what_is_right():
    side = side_by_side(both=3, lost=2, metrics=["f1_macro"])

    assert len(flips(side, drop=0.5) or []) == 2


def test_a_proportion_says_what_is_right_before_a_mean_does():
    old = Prediction(id="0", output="the cat", reference="cat")
    new = Prediction(id="0", output="the dog", reference="cat")
    side = SideBySide(set="gold", metrics=["token_f1", "exact_match"], old=[old], candidate=[new])

    # Token F1 fell from 1 to 0; neither text is the reference.
    assert flips(side, drop=0.5) == []


@pytest.mark.parametrize("metrics", [["perplexity"], ["scorer"], []])
def test_without_a_metric_for_single_rows_there_is_nothing_to_count(metrics):
    side = side_by_side(both=3, lost=2, metrics=metrics)

    assert flips(side, drop=0.5) is None
    assert judge_flips(side, limit=0.05, level=0.05, drop=0.5) is None
