from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from adapterctl.errors import InvalidInput
from adapterctl.records.parity import Prediction
from adapterctl.rules.parity.metrics import known_metrics, named, per_row, score
from support.answers import answers, scored

LABELS = st.sampled_from(["billing", "card lost", "other", "refund"])
LABELLED = st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40)


def labelled(pairs):
    return [
        Prediction(id=str(n), output=answered, reference=wanted)
        for n, (answered, wanted) in enumerate(pairs)
    ]


def confident(rows):
    """Returns rows of (right, confidence in the label that was answered)."""
    return [
        Prediction(
            id=str(n),
            output="a" if right else "b",
            reference="a",
            scores={"p:a" if right else "p:b": confidence},
        )
        for n, (right, confidence) in enumerate(rows)
    ]


@given(LABELLED)
def test_macro_f1_is_scikit_learns(pairs):
    answered, wanted = zip(*pairs, strict=True)

    expected = f1_score(wanted, answered, average="macro", zero_division=0)

    assert score("f1_macro", labelled(pairs)) == pytest.approx(expected)


@given(LABELLED)
def test_accuracy_is_scikit_learns(pairs):
    answered, wanted = zip(*pairs, strict=True)

    assert score("accuracy", labelled(pairs)) == pytest.approx(accuracy_score(wanted, answered))


def test_a_label_that_is_answered_but_never_wanted_counts_in_macro_f1():
    rows = labelled([("a", "a"), ("a", "a"), ("b", "a")])

    # F1 of "a" is 0.8 and of "b" 0.
    assert score("f1_macro", rows) == pytest.approx(0.4)


def test_exact_match_forgives_white_space_at_the_ends_and_nothing_else():
    rows = [
        Prediction(id="0", output=" 42\n", reference="42"),
        Prediction(id="1", output="1.5", reference="15"),
        Prediction(id="2", output="Yes", reference="yes"),
    ]

    assert per_row(named("exact_match"), rows) == [1, 0, 0]
    assert score("exact_match", rows) == pytest.approx(1 / 3)


def test_perplexity_is_over_all_tokens_not_the_mean_over_rows():
    rows = scored(nll=[2.0, 6.0], tokens=[1.0, 3.0], bytes=[4.0, 12.0])

    assert score("perplexity", rows) == pytest.approx(math.exp(8 / 4))
    assert score("perplexity_per_byte", rows) == pytest.approx(math.exp(8 / 16))


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices():
    rows = scored(nll=[3 * math.log(50)], tokens=[3.0], bytes=[9.0])

    assert score("perplexity", rows) == pytest.approx(50)


def test_a_side_that_is_as_right_as_it_is_confident_has_no_calibration_error():
    rows = confident([(True, 0.75), (True, 0.75), (True, 0.75), (False, 0.75)])

    assert score("ece", rows) == pytest.approx(0)


def test_calibration_error_weighs_the_gap_of_each_bin_by_its_rows():
    rows = confident([(True, 0.9), (False, 0.9), (True, 0.55), (True, 1.0)])

    # Bins of 1/15: 0.9 twice (gap 0.5 - 0.9), 0.55 once (1 - 0.55), 1.0 once (no gap).
    assert score("ece", rows) == pytest.approx((2 * 0.4 + 0.45 + 0) / 4)


def test_confidences_on_either_side_of_a_bin_do_not_cancel():
    together = confident([(True, 0.61), (False, 0.61)])
    apart = confident([(True, 0.61), (False, 0.72)])

    assert score("ece", together) == pytest.approx(0.11)
    assert score("ece", apart) == pytest.approx((0.39 + 0.72) / 2)


def test_the_scorer_metric_is_the_mean_of_the_teams_own_scores():
    assert score("scorer", scored(scorer=[0.5, 2.0])) == pytest.approx(1.25)


def test_lower_is_better_for_what_measures_error():
    lower = [
        m for m in known_metrics("CAUSAL_LM") + known_metrics("SEQ_CLS") if named(m).lower_is_better
    ]

    assert sorted(set(lower)) == ["ece", "perplexity", "perplexity_per_byte"]
    assert named("perplexity").gain(-0.5) == 0.5
    assert named("accuracy").gain(-0.5) == -0.5


def test_each_task_knows_its_metrics():
    assert known_metrics("SEQ_CLS") == ["accuracy", "f1_macro", "ece", "scorer", "evaluator"]
    assert known_metrics("CAUSAL_LM") == [
        "accuracy",
        "f1_macro",
        "exact_match",
        "token_f1",
        "rouge_l",
        "perplexity",
        "perplexity_per_byte",
        "scorer",
        "evaluator",
    ]


def test_an_unknown_metric_is_refused_with_the_nearest_name():
    with pytest.raises(InvalidInput) as refusal:
        score("acuracy", answers([True]))

    assert str(refusal.value) == "unknown metric: 'acuracy'\n  hint: did you mean 'accuracy'?"


def test_a_metric_that_resembles_none_is_refused_with_all_names():
    with pytest.raises(InvalidInput) as refusal:
        named("bleurt-20")

    assert str(refusal.value) == (
        "unknown metric: 'bleurt-20'\n"
        "  hint: known metrics: accuracy, f1_macro, ece, exact_match, token_f1, rouge_l, "
        "perplexity, perplexity_per_byte, scorer, evaluator"
    )


def test_a_missing_score_is_named_with_its_row():
    rows = [*scored(nll=[1.0], tokens=[2.0]), Prediction(id="r7", output="", reference="")]

    with pytest.raises(InvalidInput) as refusal:
        score("perplexity", rows)

    assert str(refusal.value) == (
        "perplexity: row 'r7' has no score 'nll'\n  hint: evaluate again, so that it is recorded"
    )


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([], "no rows"),
        (scored(nll=[math.nan], tokens=[1.0]), "row '0': its score 'nll' is not a finite number"),
        (scored(nll=[math.inf], tokens=[1.0]), "row '0': its score 'nll' is not a finite number"),
        (scored(nll=[1.0], tokens=[0.0]), "the score 'tokens' is 0 on every row"),
    ],
)
def test_what_cannot_be_scored_is_refused(rows, what):
    with pytest.raises(InvalidInput) as refusal:
        score("perplexity", rows)

    assert refusal.value.problems[0].what == what
