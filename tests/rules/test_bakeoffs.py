"""A bake-off ranks by held-out rows, and says which candidates cannot be told apart."""

from __future__ import annotations

import pytest

from adapterctl.records.parity import Prediction
from adapterctl.render.bakeoff import as_json, as_text
from adapterctl.rules.bakeoffs import BakeOff, Pace, Trial, Unable, ranking, steps_within
from adapterctl.rules.mapping.targets import Blocker
from support.goldens import assert_golden
from support.registries import TODAY

ROWS = 200


def trial(base: str, right: int, *, steps: int = 40) -> Trial:
    """A candidate that is right on the first so many rows."""
    answers = [
        Prediction(id=str(row), output="card" if row < right else "cash", reference="card")
        for row in range(ROWS)
    ]
    pace = Pace(inputs="0" * 64, trial_seconds=60.0, per_step=1.5, steps=steps)
    return Trial(base=base, pace=pace, seconds=58.5, answers=answers)


def text_trial(base: str, nats_per_byte: float) -> Trial:
    answers = [
        Prediction(
            id=str(row),
            output="",
            reference="x" * 40,
            scores={"nll": nats_per_byte * 40 + row % 7 / 10, "tokens": 11.0, "bytes": 40.0},
        )
        for row in range(ROWS)
    ]
    pace = Pace(inputs="0" * 64, trial_seconds=60.0, per_step=1.5, steps=40)
    return Trial(base=base, pace=pace, seconds=58.5, answers=answers)


def test_the_best_leads_and_each_is_compared_with_it() -> None:
    found = ranking(
        [trial("b", 120), trial("a", 180), trial("c", 178)], metric="accuracy", level=0.025, seed=17
    )
    assert [(one.base, one.rank, one.reading) for one in found] == [
        ("a", 1, "leads"),
        ("c", 2, "not told apart"),
        ("b", 3, "worse"),
    ]
    assert found[0].difference is None
    assert found[2].difference == pytest.approx(-0.3)
    low, high = found[2].interval or (0, 0)
    assert low < -0.3 < high < 0


def test_of_equal_ones_the_name_decides_and_they_are_not_told_apart() -> None:
    found = ranking([trial("b", 150), trial("a", 150)], metric="accuracy", level=0.05, seed=17)
    assert [one.base for one in found] == ["a", "b"]
    assert (found[1].difference, found[1].reading) == (0.0, "not told apart")


def test_where_less_is_better_a_difference_is_in_the_metrics_own_units() -> None:
    trials = [text_trial("a", 0.9), text_trial("b", 1.2)]
    found = ranking(trials, metric="perplexity_per_byte", level=0.05, seed=17)
    assert [one.base for one in found] == ["a", "b"]
    low, high = found[1].interval or (0, 0)
    assert 0 < low <= (found[1].difference or 0) <= high
    assert found[1].reading == "worse"


@pytest.mark.parametrize(
    ("seconds", "per_step", "whole", "steps"),
    [(60, 1.5, None, 40), (60, 1.5, 30, 30), (1, 1.5, 30, 1), (60, 0.0, 30, 30)],
)
def test_a_trial_takes_the_steps_that_fit_and_never_more_than_the_whole_recipe(
    seconds: float, per_step: float, whole: int | None, steps: int
) -> None:
    assert steps_within(seconds, per_step, whole=whole) == steps


@pytest.fixture
def answer() -> BakeOff:
    trials = [trial("next-base", 180), trial("small-base", 120, steps=90)]
    return BakeOff(
        adapter="router",
        version=1,
        trial="15m",
        metric="accuracy",
        held_rows=ROWS,
        whole_steps=159,
        level=0.05,
        ranked=ranking(trials, metric="accuracy", level=0.05, seed=17),
        unable=[
            Unable(
                base="fused-base",
                blockers=[
                    Blocker(
                        what="attention.q has no counterpart: qkv_proj is fused",
                        mend="write role_map in registry/adapters/router/recipe.yaml",
                    )
                ],
            )
        ],
    )


def test_the_answer_as_text(answer: BakeOff) -> None:
    assert_golden("bakeoff.txt", as_text(answer))


def test_the_answer_as_json(answer: BakeOff) -> None:
    assert_golden("bakeoff.json", as_json(answer, as_of=TODAY))
