"""LoRA's dropout: torch's own on the GPU, and one that costs a quarter of it on the CPU."""

from __future__ import annotations

import torch

_BITS = 16


def dropout(x: torch.Tensor, share: float) -> torch.Tensor:
    """Returns ``x`` with a share of its elements at 0 and the others scaled up to make up for it.

    Without gradients nobody learns, and nothing is dropped. Draws from torch's global generator. On
    the CPU that generator fills 64 bits at a time, and an element takes 16 of them: the share is
    kept to within 1/131072.
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
    words = torch.empty(-(-count * _BITS // 64), dtype=torch.int64).random_(-(2**63), None)
    level = words.view(torch.int16)[:count].view(shape).float()
    first_kept = round(share * 2**_BITS) - 2 ** (_BITS - 1)
    return level.add_(1 - first_kept).clamp_(0, 1).mul_(1 / (1 - share))
