"""The two halves of a pass, side by side on the CPU: each on half of the threads.

What a small base does to a few hundred tokens is thousands of operations of less than a
millisecond, and those gain little from a second core. Two halves of the rows keep two cores at
work all the time. Each half has its own random numbers, and gradients of its own that are added
up in order: the bits are those of one half after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch

from adapterctl.training.learning.dropout import drawing

V = TypeVar("V")

_BOTH = (True, False)


def deal(rows: Sequence[int]) -> list[list[int]]:
    """Returns two halves of rows, of which the longest go first: about as many tokens in each."""
    taken = [number % 4 in {0, 3} for number in range(len(rows))]
    halves = [[row for row, first in zip(rows, taken, strict=True) if first is of] for of in _BOTH]
    return [half for half in halves if half]


def side_by_side(tasks: Sequence[Callable[[], V]], *, threads: int) -> list[V]:
    """Returns what each task does, in their order; all of them run at the same time.

    Args:
        tasks: each runs in a thread of its own.
        threads: intra-op threads of torch that they share.
    """
    own = max(1, threads // len(tasks))

    def run(task: Callable[[], V]) -> V:
        torch.set_num_threads(own)
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def draws_elsewhere(ask: Callable[[], Any]) -> bool:
    """Whether a pass draws from torch's global generator, which threads would share."""
    before = torch.get_rng_state()
    with drawing(0):
        ask()
    return not torch.equal(before, torch.get_rng_state())


def keeps_state(model: torch.nn.Module) -> bool:
    """Whether a pass changes a base: rotary embeddings that grow with what they are shown."""
    kinds = " ".join(str(getattr(module, "rope_type", "")) for module in model.modules())
    return "dynamic" in kinds or "longrope" in kinds
