"""Texts that stand in the training set and in an evaluation set: DATA006.

Shared texts are equal but for case and the white space around them. Near-duplicates have word
sets whose Jaccard similarity reaches `NEAR`; candidates come from MinHash with locality-sensitive
hashing (Broder 1997; Indyk and Motwani 1998), each is then compared exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapterctl.records.noun import Noun

NEAR = 0.9
_PERMUTATIONS, _SEARCHED = 128, 0.75
_WORD = re.compile(r"\w+")


class Overlap(Noun, frozen=True, kw_only=True):
    """What one evaluation set shares with the training set.

    Attributes:
        shared: (row of the evaluation set, row of the training set) with the same text.
        near: the same for near-duplicates that are not shared texts.
        texts: how many different texts are shared.
    """

    shared: list[tuple[int, int]]
    near: list[tuple[int, int]]
    texts: int


def overlap(train: Sequence[str], evaluation: Sequence[str]) -> Overlap:
    """Returns which texts of ``evaluation`` stand in ``train``; rows without text never do."""
    first: dict[str, int] = {}
    for row, text in enumerate(train):
        first.setdefault(_folded(text), row)
    folded = [_folded(text) for text in evaluation]
    shared = [(row, first[text]) for row, text in enumerate(folded) if text and text in first]
    found = {row for row, _ in shared}
    rest = {row: evaluation[row] for row in range(len(evaluation)) if row not in found}
    return Overlap(
        shared=shared, near=_near(train, rest), texts=len({folded[row] for row, _ in shared})
    )


def input_text(row: Mapping[str, Any]) -> str:
    """Returns what the adapter is shown of a prepared row: never its label or its answer."""
    if isinstance(row.get("messages"), list):
        turns = [turn for turn in row["messages"] if isinstance(turn, dict)]
        return "\n".join(str(t.get("content", "")) for t in turns if t.get("role") != "assistant")
    return str(row.get("text", row.get("prompt", "")))


def _folded(text: str) -> str:
    return text.strip().casefold()


def _near(train: Sequence[str], rest: Mapping[int, str]) -> list[tuple[int, int]]:
    from datasketch import MinHashLSH

    words = [frozenset(_WORD.findall(text.casefold())) for text in train]
    index = MinHashLSH(threshold=_SEARCHED, num_perm=_PERMUTATIONS)
    with index.insertion_session() as session:
        for row, sketch in enumerate(_sketches(words)):
            session.insert(row, sketch, check_duplication=False)
    asked = {row: frozenset(_WORD.findall(text.casefold())) for row, text in rest.items()}
    found = []
    for (row, own), sketch in zip(asked.items(), _sketches(list(asked.values())), strict=True):
        alike = sorted(other for other in index.query(sketch) if _similar(own, words[other]))
        found += [(row, other) for other in alike[:1]]
    return found


def _sketches(sets: Sequence[frozenset[str]]) -> list[Any]:
    from datasketch import MinHash

    tokens = [[word.encode() for word in sorted(each)] for each in sets]
    return list(MinHash.bulk(tokens, num_perm=_PERMUTATIONS)) if tokens else []


def _similar(one: frozenset[str], other: frozenset[str]) -> bool:
    union = len(one | other)
    return union > 0 and len(one & other) >= NEAR * union
