"""Attention without padding on a GPU: examples of like length share one product.

A call per example leaves a GPU waiting for the next one. Here neighbours of which none is twice as
long as another are filled up to the longest of them for the attention alone; linear layers, norms
and dropout still see real tokens only. In a causal base nothing real looks ahead at what was filled
in, so that no mask is needed and torch takes its flash kernel; elsewhere a mask hides it.

torch's flash and memory-efficient kernels have a backward pass that gives the same bits every time
where deterministic algorithms are wanted (``attention_backward.cu``: ``deterministic`` for the
first, one split of the keys for the second). Its variable-length kernel would fill up nothing, but
knows bfloat16 on CUDA only and cannot be tested on a CPU. Filling up and taking out are one gather
each, forward and back: nothing is summed in an order that could change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from adapterctl.training.learning.unpadded import window_mask

NAME = "adapterctl_grouped"
"""What transformers knows the attention by."""


def attention(
    module: torch.nn.Module,
    *given: torch.Tensor,
    sliding_window: int | None = None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Returns the attention of each example to itself; see `unpadded.attention` for arguments."""
    *states, lengths = given

    def attend(layout: Layout, *own: torch.Tensor) -> torch.Tensor:
        mask = _mask(module, layout, settings, window=sliding_window)
        answer: torch.Tensor = sdpa_attention_forward(module, *own, mask, **settings)[0]
        return answer

    return in_groups(attend, states, groups(lengths.flatten().tolist())), None


AttentionInterface.register(NAME, attention)

Attend = Callable[..., torch.Tensor]
"""From a layout and three ``(rows, heads, length, width)`` to ``(rows, length, heads, width)``."""


def in_groups(
    attend: Attend, states: Sequence[torch.Tensor], cut: Iterable[Sequence[int]]
) -> torch.Tensor:
    """Returns ``(1, tokens, heads, width)``: what each group's examples attend to in themselves.

    Args:
        attend: sees each group's examples as rows of one width.
        states: query, key and value, each ``(1, heads, tokens, width)``.
        cut: the lengths of the examples, group by group.
    """
    cut = list(cut)
    sizes = [sum(group) for group in cut]
    parts = zip(*(state.squeeze(0).split(sizes, dim=1) for state in states), strict=True)
    answers = []
    for group, part in zip(cut, parts, strict=True):
        layout = _layout(tuple(group), part[0].device)
        answers.append(layout.take(attend(layout, *(layout.fill(state) for state in part))))
    return torch.cat(answers).unsqueeze(0)


def groups(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yields lengths of neighbours of which none is more than twice as long as another."""
    group: list[int] = []
    for length in lengths:
        if group and 2 * min(*group, length) < max(*group, length):
            yield group
            group = []
        group.append(length)
    if group:
        yield group


class Layout(NamedTuple):
    """Where the tokens of a group stand in rows of one width, and the way back.

    Attributes:
        real: ``(rows, width)``, or ``None`` where all rows are full.
        into: for each place of the rows the token to put there; any, where there is none.
        out: for each token its place.
    """

    rows: int
    width: int
    real: torch.Tensor | None
    into: torch.Tensor
    out: torch.Tensor

    def fill(self, state: torch.Tensor) -> torch.Tensor:
        """Returns ``(heads, tokens, width)`` as ``(rows, heads, length, width)``."""
        if self.real is not None:
            state = _Gathered.apply(state, _Way(1, self.into, self.out))
        return state.unflatten(1, (self.rows, self.width)).transpose(0, 1)

    def take(self, answer: torch.Tensor) -> torch.Tensor:
        """Returns ``(rows, length, heads, width)`` as ``(tokens, heads, width)``."""
        flat = answer.flatten(0, 1)
        if self.real is None:
            return flat
        way = _Way(0, self.out, self.into, self.real.flatten())
        taken: torch.Tensor = _Gathered.apply(flat, way)
        return taken


class _Way(NamedTuple):
    """A gather along a dimension, and the one back; ``real`` marks what it is to keep."""

    dim: int
    there: torch.Tensor
    back: torch.Tensor
    real: torch.Tensor | None = None


class _Gathered(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """A gather whose gradient is a gather too: each real token has one place and one only."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, way: _Way) -> torch.Tensor:
        ctx.way = way
        return x.index_select(way.dim, way.there)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        way = ctx.way
        gradient = upstream.index_select(way.dim, way.back)
        if way.real is not None:
            # What was filled in has no part in the answer.
            gradient = gradient * way.real.view(-1, *(1,) * (gradient.dim() - 1))
        return gradient, None


@lru_cache(maxsize=64)
def _layout(lengths: tuple[int, ...], device: torch.device) -> Layout:
    """Returns a group's layout; the layers of a pass share it."""
    width = max(lengths)
    real = torch.arange(width) < torch.tensor(lengths).unsqueeze(1)
    into = (real.flatten().cumsum(0) - 1).clamp(min=0)
    return Layout(
        rows=len(lengths),
        width=width,
        real=None if min(lengths) == width else real.to(device),
        into=into.to(device),
        out=real.flatten().nonzero().squeeze(1).to(device),
    )


def _mask(
    module: torch.nn.Module, layout: Layout, settings: dict[str, Any], *, window: int | None
) -> torch.Tensor | None:
    """Returns who sees whom, where that is not said by the base being causal."""
    device = layout.into.device
    near = window_mask(module, layout.width, window, device=device)
    causal = settings.get("is_causal")
    if causal is None:
        causal = getattr(module, "is_causal", True)
    if causal or layout.real is None:
        return near
    hidden = layout.real.view(layout.rows, 1, 1, layout.width)
    return hidden if near is None else hidden & near
