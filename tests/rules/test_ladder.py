"""What the ladder of a rebuild decides: rungs, budgets, sweeps, teaching, salvage."""

from __future__ import annotations

import math

import pytest

from adapterctl.errors import InvalidInput, Refused
from adapterctl.records.parity import Prediction
from adapterctl.records.policy import Prices
from adapterctl.rules.overlap import overlap
from adapterctl.rules.planning.budgets import Budget, budget, must_afford, priced, reaches
from adapterctl.rules.planning.ladder import RungOut, ladder
from adapterctl.rules.salvage import asked, fresh, made_up
from adapterctl.rules.sweeps import best, held_out, mean_loss, rates
from adapterctl.rules.teaching import answered, blended
from support.plans import a_shape

BERT, LLAMA = a_shape("bert", 16), a_shape("llama", 32)


def names(found) -> list[str]:
    return [one.rung for one in found.rungs]


def test_a_warm_start_needs_the_same_shapes():
    other = ladder(10.0, old=BERT, new=LLAMA)
    assert names(other) == ["carried recipe", "learning-rate sweep", "old adapter as teacher"]
    assert other.cannot == [RungOut(rung="warm start", why="the two bases differ in their shapes")]
    assert "warm start" in names(ladder(10.0, old=BERT, new=BERT))


def test_without_the_old_base_there_is_no_teacher():
    found = ladder(None, old=None, new=LLAMA)
    assert names(found) == ["carried recipe", "warm start", "learning-rate sweep"]
    assert found.seconds is None


def test_salvage_is_the_only_rung_when_the_data_are_gone_and_no_rung_before():
    assert names(ladder(10.0, old=BERT, new=BERT, salvaged=True)) == ["salvage"]
    assert "salvage" not in names(ladder(10.0, old=BERT, new=BERT))


def test_a_ladder_is_cut_above_the_highest_rung():
    whole = ladder(10.0, old=BERT, new=LLAMA)
    assert names(whole.up_to("warm start")) == ["carried recipe"]
    assert whole.up_to(None) == whole
    assert whole.seconds == pytest.approx(10 + 50 + 15)
    assert whole.up_to("carried recipe").seconds == 10


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90m", 5400), ("30 s", 30), ("20EUR", 28800)]
)
def test_a_budget_is_time_or_money(text, seconds):
    assert budget(text, Prices(device_hour=2.5)).seconds == seconds


@pytest.mark.parametrize("text", ["", "two hours", "-1h", "20USD"])
def test_other_budgets_are_refused(text):
    with pytest.raises(InvalidInput):
        budget(text, Prices(device_hour=2.5))


def test_a_ladder_above_the_budget_is_refused():
    whole = ladder(3600.0, old=BERT, new=LLAMA)
    must_afford(whole, Budget(text="8h", seconds=8 * 3600), devices=1, place="x")
    must_afford(whole, None, devices=1, place="x")
    with pytest.raises(Refused) as refused:
        must_afford(whole, Budget(text="7h", seconds=7 * 3600), devices=1, place="x")
    assert str(refused.value) == (
        "x: training on 3 rungs takes about 7.5 h, more than 7h (7 h)\n"
        "  hint: raise --budget, or climb less: --max-rung carried"
    )


def test_what_cannot_be_estimated_cannot_be_promised():
    with pytest.raises(Refused, match="cannot be estimated"):
        must_afford(
            ladder(None, old=BERT, new=BERT),
            Budget(text="7h", seconds=25200),
            devices=1,
            place="x",
        )


def test_a_rung_is_left_out_that_the_rest_of_the_budget_does_not_reach():
    [_, sweep, _] = ladder(3600.0, old=BERT, new=LLAMA).rungs
    allowed = Budget(text="6h", seconds=6 * 3600)
    assert reaches(allowed, sweep, spent=3600, devices=1)
    assert not reaches(allowed, sweep, spent=3601, devices=1)
    assert not reaches(allowed, sweep, spent=0, devices=2)
    assert reaches(None, sweep, spent=1e9, devices=8)


def test_an_hour_of_four_devices_is_four_hours_of_the_budget():
    whole, allowed = ladder(3600.0, old=BERT, new=LLAMA), Budget(text="60EUR", seconds=24 * 3600)
    must_afford(whole, allowed, devices=3, place="x")
    with pytest.raises(Refused) as refused:
        must_afford(whole, allowed, devices=4, place="x")
    assert str(refused.value) == (
        "x: training on 3 rungs takes about 30 h of a device (4 at once), more than 60EUR (24 h)\n"
        "  hint: raise --budget, or climb less: --max-rung carried"
    )
    prices = Prices(device_hour=2.5)
    assert [priced(whole, prices, devices=each).first for each in (1, 4)] == [2.5, 10.0]


def test_a_sweep_tries_the_carried_rate_among_others():
    assert rates(5e-3) == [0.00125, 0.0025, 0.005, 0.01, 0.02]


def test_a_fifth_is_held_out_whatever_the_order_and_equal_texts_stay_together():
    texts = [f"text {number % 50}" for number in range(100)]
    held = {texts[row] for row in held_out(texts)}
    assert len(held) == 10
    assert {texts[row] for row in range(100) if row not in held_out(texts)}.isdisjoint(held)
    assert {texts[::-1][row] for row in held_out(texts[::-1])} == held


def test_of_equal_losses_the_rate_nearest_to_the_carried_one_wins():
    assert best({0.1: 1.0, 0.2: 0.5, 0.4: 0.5}, carried=0.1) == 0.2
    assert best({0.1: 0.4, 0.2: 0.5}, carried=0.2) == 0.1


def test_the_loss_of_answers_is_their_cross_entropy():
    sure = Prediction(id="0", output="a", reference="a", scores={"p:a": 1.0, "p:b": 0.0})
    half = Prediction(id="1", output="a", reference="b", scores={"p:a": 0.5, "p:b": 0.5})
    lost = Prediction(id="2", output="a", reference="b", scores={"p:a": 1.0, "p:b": 0.0})
    assert mean_loss([sure, half], task="SEQ_CLS") == pytest.approx(math.log(2) / 2)
    assert mean_loss([sure, lost], task="SEQ_CLS") == math.inf
    text = Prediction(id="0", output="a", reference="b", scores={"nll": 6.0, "tokens": 3.0})
    assert mean_loss([text], task="CAUSAL_LM") == 2.0


def test_a_pupil_learns_the_label_and_the_teacher_half_and_half():
    scores = {"p:a": 0.8, "p:b": 0.2}
    assert blended(["a", "b"], label=1, scores=scores) == pytest.approx((0.4, 0.6))
    assert blended(["a", "b"], label=None, scores=scores) == pytest.approx((0.8, 0.2))


def test_text_is_learned_as_the_teacher_wrote_it():
    assert answered({"prompt": "p", "completion": "c"}, "t") == {"prompt": "p", "completion": "t"}
    assert answered({"prompt": "p", "completion": "c"}, " ")["completion"] == "c"
    turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "c"}]
    assert answered({"messages": turns}, "t")["messages"][1]["content"] == "t"
    assert turns[1]["content"] == "c"


SEEDS = [f"please help me with my {what} because it is late today" for what in ("parcel", "card")]


def test_prompts_are_made_up_from_the_words_of_the_seeds():
    made = made_up(SEEDS, count=50, seed=3)
    assert made == made_up(SEEDS, count=50, seed=3) != made_up(SEEDS, count=50, seed=4)
    assert {word for text in made for word in text.split()} <= set(" ".join(SEEDS).split())
    assert made_up([], count=50, seed=3) == []


def test_prompts_near_a_seed_and_repetitions_are_left_out():
    prompts = ["something new", SEEDS[0].upper(), "Something new ", SEEDS[1] + " today", " "]
    assert overlap(SEEDS, prompts).near == [(3, 1)]
    assert fresh(prompts, SEEDS) == [0]


def test_a_prompt_is_asked_in_the_form_of_the_adapters_own_rows():
    assert asked({"text": "x", "label": "a"}, "t", answer="b") == {"text": "t", "label": "b"}
    assert asked({"prompt": "x"}, "t", answer="b") == {"prompt": "t", "completion": "b"}
    like = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}
    assert [turn["role"] for turn in asked(like, "t", answer="b")["messages"]] == [
        "system",
        "user",
        "assistant",
    ]
