"""Rows that stand in the training set and in an evaluation set (DATA006)."""

from __future__ import annotations

from pathlib import Path

from benchmarks import intents

from adapterctl.rules.overlap import input_text, overlap

TRAIN = [
    "Where is my parcel?",
    "I was charged twice for the same order last week and want my money back now please",
    "How do I reset it",
]


def test_a_shared_text_is_found_whatever_its_case_and_the_space_around_it() -> None:
    found = overlap(TRAIN, ["something else", "\n WHERE is my parcel? "])
    assert (found.shared, found.near, found.texts) == ([(1, 0)], [], 1)


def test_a_near_duplicate_is_told_apart_from_a_shared_text() -> None:
    near = "I was charged twice for the same order last week, and want my money back now!"
    assert overlap(TRAIN, [near]).near == [(0, 1)]
    assert overlap(TRAIN, [near]).shared == []


def test_different_texts_and_empty_ones_share_nothing() -> None:
    found = overlap([*TRAIN, "", "  "], ["", "how do you close an account", "?!"])
    assert (found.shared, found.near) == ([], [])


def test_nothing_to_compare_is_no_overlap() -> None:
    assert overlap([], ["a"]).shared == overlap(["a"], []).near == []


def test_a_row_is_compared_by_what_the_adapter_is_shown() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    assert input_text({"messages": turns}) == "hi"
    assert input_text({"prompt": "hi", "completion": "hello"}) == "hi"
    assert input_text({"text": "hi", "label": "greeting"}) == "hi"


def test_banking77_shares_six_texts(corpus: Path) -> None:
    messages = intents.read(corpus)
    train, test = ([row["text"] for row in rows] for rows in (messages.train, messages.gold))
    found = overlap(train, test)
    assert (len(found.shared), found.texts) == (6, 6)
    assert all(train[b].strip().lower() == test[a].strip().lower() for a, b in found.shared)
    assert len(found.near) > 100
