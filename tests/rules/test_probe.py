"""The probe's rows are fixed by what they hold, and not by where they stand."""

from __future__ import annotations

import random

import msgspec
import pytest

from adapterctl.records.probe import ProbeAnswer
from adapterctl.records.recipe import ProbeSettings
from adapterctl.rules.probe import LEAST, Moved, moved, probe_rows

TRAIN = [{"text": f"learn {number}"} for number in range(100)]
GOLD = [{"text": f"ask {number}"} for number in range(100)]


def chosen(**sets: list[dict[str, str]]) -> list[dict[str, str]]:
    return [sets[name][number] for name, number in probe_rows(sets)]


def test_they_come_from_the_evaluation_sets() -> None:
    assert {name for name, _ in probe_rows({"train": TRAIN, "gold": GOLD})} == {"gold"}
    assert len(probe_rows({"train": TRAIN, "gold": GOLD})) == 32
    asked = probe_rows({"train": TRAIN, "gold": GOLD}, ProbeSettings(rows=25))
    assert len(asked) == 25


def test_another_order_of_the_rows_gives_the_same_ones() -> None:
    shuffled = random.Random(1).sample(GOLD, len(GOLD))
    assert chosen(train=TRAIN, gold=shuffled) == chosen(train=TRAIN, gold=GOLD)


def test_they_are_not_the_first_ones() -> None:
    assert chosen(train=TRAIN, gold=GOLD) != GOLD[:32]


def test_more_rows_displace_few() -> None:
    before = chosen(train=TRAIN, gold=GOLD)
    after = chosen(train=TRAIN, gold=[*GOLD, {"text": "one more"}])
    assert sum(row not in after for row in before) <= 1


def test_training_rows_follow_where_evaluation_sets_are_small() -> None:
    names = [name for name, _ in probe_rows({"train": TRAIN, "gold": GOLD[:5]})]
    assert (names.count("gold"), names.count("train"), len(names)) == (5, LEAST - 5, LEAST)


def test_the_same_row_is_taken_once() -> None:
    same = [{"text": "ask"}] * 50
    assert probe_rows({"train": same, "gold": same, "shadow": same}) == [
        ("gold", 0),
        ("train", 0),
    ]


def answer(row: int, **changed: object) -> ProbeAnswer:
    digest = f"{row:064x}"
    same = ProbeAnswer(
        set="gold",
        row=row,
        id=f"r{row}",
        text_sha256=digest,
        tokens_sha256=digest,
        mask_sha256=digest,
        output_sha256=digest,
        scores={"p:a": 0.75, "p:b": 0.25},
    )
    return msgspec.structs.replace(same, **changed)


RECORDED = [answer(0), answer(1), answer(2)]
ASPECTS = {
    "text": "text_sha256",
    "tokens": "tokens_sha256",
    "mask": "mask_sha256",
    "outputs": "output_sha256",
}


def test_a_probe_that_says_the_same_did_not_move() -> None:
    found = moved(RECORDED, RECORDED)
    assert [each.aspect for each in found] == list(ASPECTS)
    assert all(each.rows == 3 and each.moved == [] for each in found)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_what_moved_is_told_by_aspect_and_row(aspect: str) -> None:
    now = [answer(0), answer(1, **{ASPECTS[aspect]: "f" * 64}), answer(2)]
    found = {each.aspect: each.moved for each in moved(RECORDED, now)}
    assert found == {name: ["gold r1"] if name == aspect else [] for name in ASPECTS}


def test_the_largest_difference_of_a_score_is_told() -> None:
    now = [
        answer(0, scores={"p:a": 0.5, "p:b": 0.5}, output_sha256="f" * 64),
        answer(1, scores={"p:a": 0.76, "p:b": 0.24}, output_sha256="f" * 64),
        answer(2),
    ]
    outputs = moved(RECORDED, now)[-1]
    assert outputs == Moved(aspect="outputs", rows=3, moved=["gold r0", "gold r1"], largest=0.25)


def test_sensitive_answers_are_compared_by_digest_alone() -> None:
    old = [answer(0, scores={})]
    outputs = moved(old, [answer(0, scores={}, output_sha256="f" * 64)])[-1]
    assert (outputs.moved, outputs.largest) == (["gold r0"], None)


def test_a_row_that_is_gone_moved_in_every_aspect() -> None:
    assert all(each.moved == ["gold r2"] for each in moved(RECORDED, RECORDED[:2]))
