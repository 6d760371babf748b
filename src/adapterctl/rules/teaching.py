"""What a pupil learns of a teacher: its probabilities beside what the data say, or its own words.

Probabilities of labels mean the same on every base. Those of tokens do where both bases cut text
into the same tokens; elsewhere the teacher's answers are learned as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapterctl.records.base import BaseShape

TRUST = 0.5
"""How much of the target is the teacher's; the rest is what the data say.

At temperature 1 cross entropy against the blend equals the blend of the two losses (Hinton,
Vinyals and Dean 2015, section 2).
"""

TOP = 32
"""How many of the teacher's likeliest tokens are kept at a position; all others are one bucket.

Keeping the likeliest few of a large vocabulary is what Tan et al. 2019 ("Multilingual Neural
Machine Translation with Knowledge Distillation", section 3.3) do with 8 of them.
"""


def shares_tokens(old: BaseShape, new: BaseShape) -> bool:
    """Whether a token id means the same text on both bases."""
    return old.vocabulary_sha256 == new.vocabulary_sha256 != ""


def blended(
    labels: Sequence[str], *, label: int | None, scores: Mapping[str, float]
) -> tuple[float, ...]:
    """Returns a share for every label; where nobody knows the label, the teacher alone is learned.

    Args:
        labels: in the order of their ids.
        label: the id that the data say.
        scores: the teacher's probability as ``p:<label>``.
    """
    trust = 1.0 if label is None else TRUST
    return tuple(
        trust * scores[f"p:{name}"] + (1 - trust) * float(number == label)
        for number, name in enumerate(labels)
    )


def answered(row: Mapping[str, Any], answer: str) -> dict[str, Any]:
    """Returns a row with a prompt and this answer; the row as it is where the answer is empty."""
    if not answer.strip():
        return dict(row)
    if isinstance(row.get("messages"), list):
        turns = [*row["messages"][:-1], {"role": "assistant", "content": answer}]
        return {**row, "messages": turns}
    return {**row, "completion": answer}


def can_be_asked(row: Mapping[str, Any]) -> bool:
    """Whether a row of text separates a prompt from its answer."""
    turns = row.get("messages")
    return "prompt" in row or (isinstance(turns, list) and len(turns) > 1)
