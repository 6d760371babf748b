"""LoRA's dropout: torch's own on the GPU, and one that costs a quarter of it on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_BITS = 16


class _Drawn(threading.local):
    generator: torch.Generator | None = None


_DRAWN = _Drawn()


@contextmanager
def drawing(seed: int) -> Iterator[None]:
    """Inside, masks on the CPU come from a generator of this thread's own.

    They are those that torch's global generator would give after ``torch.manual_seed``.
    """
    _DRAWN.generator = torch.Generator().manual_seed(seed)
    try:
        yield
    finally:
        _DRAWN.generator = None


def dropout(x: torch.Tensor, share: float) -> torch.Tensor:
    """Returns ``x`` with a share of its elements at 0 and the others scaled up to make up for it.

    Without gradients nobody learns, and nothing is dropped. Draws from torch's global generator,
    or from that of `drawing`. On the CPU a generator fills 64 bits at a time, and an element takes
    16 of them: the share is kept to within 1/131072.
    """
    if not share or not torch.is_grad_enabled():
        return x
    if x.device.type != "cpu":
        return torch.nn.functional.dropout(x, share)
    return x * _mask(x.shape, share)


def dropped(shape: torch.Size, share: float, *, device: torch.device) -> torch.Tensor | None:
    """Returns what `dropout` multiplies by: 0 or 1 / (1 - share); ``None`` where the share is 0."""
    if not share:
        return None
    if device.type == "cpu":
        return _mask(shape, share)
    return torch.nn.functional.dropout(torch.ones(shape, device=device), share)


def _mask(shape: torch.Size, share: float) -> torch.Tensor:
    """Returns 0 for the dropped and 1 / (1 - share) for the kept, float32.

    Comparing is many times slower than arithmetic in float32, where 16-bit integers are exact.
    """
    count = shape.numel()
    words = torch.empty(-(-count * _BITS // 64), dtype=torch.int64)
    words.random_(-(2**63), None, generator=_DRAWN.generator)
    level = words.view(torch.int16)[:count].view(shape).float()
    first_kept = round(share * 2**_BITS) - 2 ** (_BITS - 1)
    return level.add_(1 - first_kept).clamp_(0, 1).mul_(1 / (1 - share))
