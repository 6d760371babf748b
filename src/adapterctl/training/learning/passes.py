"""How the rows of an optimizer step are cut into passes, so that little is padded.

The loss of a step is a sum over its rows, so which rows share a forward and backward pass is a
matter of time and rounding only. Rows are sorted by length and cut where padding them together
would cost more than another pass does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

# What a layer costs a pass beside its tokens, in floating-point operations that the device could
# have done meanwhile. Constants, because which rows share a pass decides the last bit. CPU: on two
# cores MiniLM is as fast with 2e8 as with 1e9. GPU: an estimate, 1 ms at 50 teraflops.
_IDLE_OPERATIONS = {"cpu": 3e8, "cuda": 5e10}
# Forward and backward through frozen weights: a multiplication and an addition each.
_OPERATIONS_PER_PARAMETER = 4


def cut(lengths: Sequence[int], *, most: int, overhead: float) -> list[list[int]]:
    """Returns numbers of rows in passes, the longest first, at the least total cost.

    Args:
        lengths: of the rows, in tokens.
        most: rows in a pass; what bounds the memory.
        overhead: what a pass costs, in tokens.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    costs, starts = [0.0], [0]
    for end in range(1, len(order) + 1):
        cost, start = min(
            (costs[start] + (end - start) * lengths[order[start]] + overhead, start)
            for start in range(max(0, end - most), end)
        )
        costs.append(cost)
        starts.append(start)
    found: list[list[int]] = []
    end = len(order)
    while end:
        found.append(order[starts[end] : end])
        end = starts[end]
    return found[::-1]


def fill(lengths: Sequence[int], *, most: int) -> list[list[int]]:
    """Returns numbers of rows in as few passes as there can be, the longest first.

    Without padding nothing is gained by more of them; rows of one length stand together.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    return [order[start : start + most] for start in range(0, len(order), most)]


def overhead(model: Any, *, device: str) -> float:
    """Returns what a pass of a ``PreTrainedModel`` costs on a device, in tokens."""
    inside = sum(
        parameter.numel()
        for module in model.modules()
        if not isinstance(module, torch.nn.Embedding)
        for parameter in module.parameters(recurse=False)
    )
    layers = model.config.get_text_config().num_hidden_layers
    idle = _IDLE_OPERATIONS[device.partition(":")[0]]
    return float(idle * layers / (_OPERATIONS_PER_PARAMETER * inside))
