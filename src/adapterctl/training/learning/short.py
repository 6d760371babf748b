"""Attention with dropout without padding on the CPU, where examples are short.

torch's quick kernel for the CPU knows no dropout; what it falls back to costs a dozen small
operations for each call, and a call per length is most of what short examples wait for. Here
neighbours share a product as long as little is filled up, and the way back is written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import AttentionInterface

from adapterctl.training.learning import unpadded
from adapterctl.training.learning.dropout import dropped
from adapterctl.training.learning.grouped import Layout, in_groups

NAME = "adapterctl_short"
"""What transformers knows the attention by."""

SPARE = 2048
"""How many scores of a head a group may fill up: about what another call costs."""


def attention(
    module: torch.nn.Module,
    *given: torch.Tensor,
    sliding_window: int | None = None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Returns the attention of each example to itself; see `unpadded.attention` for arguments.

    Causal layers, windows, keys that several heads share and bfloat16 are left to that.
    """
    *states, lengths = given
    share = settings.get("dropout") or 0.0
    query, key, _ = states
    alike = query.shape[1] == key.shape[1] and query.dtype is torch.float32
    if not share or not alike or sliding_window is not None or _is_causal(module, settings):
        return unpadded.attention(module, *given, sliding_window=sliding_window, **settings)
    scale = settings.get("scaling") or query.shape[-1] ** -0.5

    def attend(layout: Layout, *own: torch.Tensor) -> torch.Tensor:
        rows, heads, length, width = own[0].shape
        drawn: torch.Tensor = dropped(
            torch.Size((rows * heads, length, length)), share, device=own[0].device
        )
        # What was gathered lies head by head: so it need not be copied.
        keep = drawn.view(rows, heads, length, length).transpose(0, 1).flatten(0, 1)
        flat = [state.transpose(0, 1).reshape(-1, length, width) for state in own]
        answer: torch.Tensor = _Attended.apply(*flat, layout.real, keep, scale)
        return answer.view(heads, rows, length, width).permute(1, 2, 0, 3)

    return in_groups(attend, states, groups(lengths.flatten().tolist())), None


AttentionInterface.register(NAME, attention)


def groups(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yields lengths of neighbours that fill up `SPARE` scores at most; the longest go first."""
    group: list[int] = []
    spare = SPARE
    for length in lengths:
        if group:
            spare -= group[0] ** 2 - length**2
        if group and (spare < 0 or length > group[0]):
            yield group
            group, spare = [], SPARE
        group.append(length)
    if group:
        yield group


def _is_causal(module: torch.nn.Module, settings: dict[str, Any]) -> bool:
    stated = settings.get("is_causal")
    return bool(getattr(module, "is_causal", True) if stated is None else stated)


class _Attended(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """``dropout(softmax(q k' scale)) v`` of ``(heads * rows, length, width)``."""

    @staticmethod
    def forward(  # noqa: PLR0917  # autograd hands over what it is given
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        real: torch.Tensor | None,
        keep: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        scores = torch.bmm(query, key.transpose(1, 2)).mul_(scale)
        if real is not None:
            rows = scores.view(-1, len(real), *scores.shape[1:])
            rows.masked_fill_(~real[:, None, :], -torch.inf)
        shares = scores.softmax(-1)
        ctx.save_for_backward(query, key, value, shares, keep)
        ctx.scale = scale
        return torch.bmm(shares * keep, value)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, shares, keep = ctx.saved_tensors
        of_value = torch.bmm((shares * keep).transpose(1, 2), upstream)
        of_shares = torch.bmm(upstream, value.transpose(1, 2)).mul_(keep)
        of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype)
        of_scores.mul_(ctx.scale)
        of_query = torch.bmm(of_scores, key)
        of_key = torch.bmm(of_scores.transpose(1, 2), query)
        return of_query, of_key, of_value, None, None, None
