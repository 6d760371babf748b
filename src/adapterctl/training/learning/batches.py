"""Inputs in batches whose make-up depends on the inputs alone, not on their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch

Ids = tuple[int, ...]
K = TypeVar("K", bound=tuple[Ids, Any])
V = TypeVar("V")

Progress = Callable[[str, int, int], None]
"""Takes a label, how much is done, and how much there is."""


def unseen(label: str, done: int, total: int) -> None:
    """The `Progress` that nobody watches."""


def answer_each(
    inputs: Sequence[K],
    answer: Callable[[list[K]], list[V]],
    *,
    size: int,
    label: str,
    progress: Progress,
) -> list[V]:
    """Returns an answer per input, in the order of ``inputs``.

    Equal inputs are answered once; the longest go first, ``size`` at a time, so that little is
    padded and memory runs out at the start or never. Floating-point sums depend on what shares a
    batch: this way they are the same for every order of the same inputs.

    Args:
        inputs: pairs of token ids and whatever else tells two inputs apart.
        answer: from a batch to its answers.
        size: inputs per batch.
        label: what ``progress`` is told is going on.
        progress: called after each batch.
    """
    distinct = sorted(set(inputs), key=lambda item: (-len(item[0]), item))
    answers: dict[K, V] = {}
    for start in range(0, len(distinct), size):
        batch = distinct[start : start + size]
        answers.update(zip(batch, answer(batch), strict=True))
        progress(label, len(answers), len(distinct))
    return [answers[item] for item in inputs]


def padded(
    rows: Sequence[Sequence[int]], *, fill: int, device: str, left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns token ids and attention mask, both ``(rows, longest)``, padded with ``fill``."""
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), fill, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for line, row in enumerate(rows):
        place = slice(width - len(row), width) if left else slice(0, len(row))
        ids[line, place] = torch.tensor(row, dtype=torch.long)
        mask[line, place] = 1
    return ids.to(device), mask.to(device)
