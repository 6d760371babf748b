"""Inputs in batches whose make-up depends on the inputs alone, not on their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import torch

from adapterctl.training.learning.halves import side_by_side

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
    abreast: int = 1,
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
        abreast: batches at a time, each in a thread with its share of torch's own.
    """
    distinct = sorted(set(inputs), key=lambda item: (-len(item[0]), item))
    batches = [distinct[start : start + size] for start in range(0, len(distinct), size)]
    answers: dict[K, V] = {}
    for start in range(0, len(batches), abreast):
        row = batches[start : start + abreast]
        for batch, found in zip(row, _at_once(answer, row), strict=True):
            answers.update(zip(batch, found, strict=True))
            progress(label, len(answers), len(distinct))
    return [answers[item] for item in inputs]


def _at_once(answer: Callable[[list[K]], list[V]], batches: list[list[K]]) -> list[list[V]]:
    if len(batches) == 1:
        return [answer(batches[0])]
    tasks = [partial(answer, batch) for batch in batches]
    return side_by_side(tasks, threads=torch.get_num_threads())


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
