"""Two answers before a judge: whatever standing first is worth must fall out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.errors import InvalidInput
from adapterctl.rules.parity.duels import (
    Duel,
    Item,
    Ruling,
    items,
    judging,
    outcomes,
    rulings,
    turns,
)

QUALITY = {"good": 0.8, "fair": 0.5, "bad": 0.1}


def duel(left: str, right: str, *, row: str = "0", name: str = "gold") -> Duel:
    prompt = [{"role": "user", "content": "a question"}]
    return Duel(set=name, row=row, prompt=prompt, reference="good", left=left, right=right)


def ruled(handed: list[Item], judge: Callable[[Item], tuple[float, float]]) -> dict[str, Ruling]:
    found = {}
    for item in handed:
        first, second = judge(item)
        found[item.id] = Ruling(id=item.id, output="", scores={"first": first, "second": second})
    return found


def biased(bias: float) -> Callable[[Item], tuple[float, float]]:
    return lambda item: (QUALITY[item.first] + bias, QUALITY[item.second])


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(QUALITY)), st.sampled_from(sorted(QUALITY))), min_size=1
    ),
    st.floats(-5, 5),
    st.integers(1, 3),
)
def test_what_a_place_is_worth_falls_out_of_every_difference(pairs, bias, repeats):
    duels = [duel(left, right, row=str(n)) for n, (left, right) in enumerate(pairs)]
    order = turns(len(duels), repeats=repeats, seed=1)
    found = ruled(items(duels, order), biased(bias))

    for score, (left, right) in zip(outcomes(len(duels), order, found), pairs, strict=True):
        assert score.left - score.right == pytest.approx(QUALITY[left] - QUALITY[right])
    told = judging(duels, order, found, repeats=repeats)
    if all(left == right for left, right in pairs):
        assert told[0].position_bias == pytest.approx(bias)


def test_a_judge_that_always_takes_the_first_prefers_nobody_and_is_found_out():
    duels = [duel("good", "bad", row=str(n)) for n in range(50)]
    order = turns(50, repeats=2, seed=1)
    found = ruled(items(duels, order), lambda _: (1.0, 0.0))

    assert {(score.left, score.right) for score in outcomes(50, order, found)} == {(0.5, 0.5)}
    [told] = judging(duels, order, found, repeats=2)
    assert (told.position_bias, told.order_reversals, told.disagreement) == (1.0, 1.0, 0.0)
    assert (told.pairs, told.rulings, told.repeats) == (50, 200, 2)


def test_repeats_that_disagree_are_counted():
    duels = [duel("good", "bad", row=str(n)) for n in range(10)]
    order = turns(10, repeats=2, seed=1)
    seen: dict[tuple[str, bool], int] = {}

    def moody(item: Item) -> tuple[float, float]:
        turn = next(each for each in order if each.id == item.id)
        key = (duels[turn.duel].row, turn.swapped)
        seen[key] = seen.get(key, 0) + 1
        return (1.0, 0.0) if key[0] in {"0", "1"} and seen[key] == 2 else (0.0, 1.0)

    [told] = judging(duels, order, ruled(items(duels, order), moody), repeats=2)
    assert told.disagreement == pytest.approx(0.2)


def test_without_repeats_nothing_is_said_of_them():
    order = turns(1, repeats=1, seed=1)
    duels = [duel("good", "bad")]
    [told] = judging(duels, order, ruled(items(duels, order), biased(0.0)), repeats=1)
    assert told.disagreement is None


def test_each_side_stands_first_as_often_as_second_and_nothing_names_it():
    duels = [duel("good", "bad", row=str(n)) for n in range(40)]
    order = turns(40, repeats=3, seed=7)
    handed = items(duels, order)

    assert sum(item.first == "good" for item in handed) == len(handed) / 2 == 120
    assert [item.id for item in handed] == [f"{n:06d}" for n in range(240)]
    assert set(json.loads(json.dumps([turn.swapped for turn in order[:20]]))) == {True, False}
    assert turns(40, repeats=3, seed=7) == order != turns(40, repeats=3, seed=8)


def test_sets_are_told_apart():
    duels = [duel("good", "bad", name="gold"), duel("bad", "bad", name="shadow")]
    order = turns(2, repeats=1, seed=1)
    told = judging(duels, order, ruled(items(duels, order), biased(0.3)), repeats=1)
    assert [(each.set, each.pairs) for each in told] == [("gold", 1), ("shadow", 1)]


GOOD = '{"id": "000000", "output": "x", "scores": {"first": 1, "second": 0}}'
FAULTS = {
    "not JSON": (
        "no, thanks",
        "judge:1: not a ruling: JSON is malformed: invalid character (byte 4)",
    ),
    "not a number": (
        GOOD.replace(": 1,", ": NaN,"),
        "judge:1: not a ruling: JSON is malformed: invalid character (byte 52)",
    ),
    "a score of text": (
        GOOD.replace(": 1,", ': "high",'),
        "judge:1: not a ruling: Expected `float`, got `str` - at `$.scores[...]`",
    ),
    "no score": (GOOD.replace("second", "other"), "judge:1: no score 'second'"),
    "another id": (GOOD.replace("000000", "9"), "judge:1: no such item: '9'"),
    "twice": (f"{GOOD}\n{GOOD}", "judge:2: the id '000000' stands twice"),
    "one absent": (GOOD, "judge: no line for 1 of 2 items, first '000001'"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_no_ruling_is_named(case):
    written, message = FAULTS[case]
    handed = items([duel("good", "bad")], turns(1, repeats=1, seed=1))

    with pytest.raises(InvalidInput) as caught:
        rulings(written.encode(), handed, place="judge")

    assert message in str(caught.value)


def test_of_many_faults_twenty_are_named_and_the_rest_counted():
    handed = items([duel("good", "bad")], turns(1, repeats=1, seed=1))
    with pytest.raises(InvalidInput) as caught:
        rulings(b"?\n" * 30, handed, place="judge")
    assert "judge: 11 more problems, not shown" in str(caught.value)
