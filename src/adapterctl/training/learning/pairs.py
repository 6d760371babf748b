"""Low-rank pairs on frozen layers: one by one, or those of siblings that read one input together.

Query, key and value read the same hidden states, gate and up too. Together they draw one dropout
mask and need one product with their A's, put one below the other, where there were three; forward
and back are written out, so that nothing is kept twice and the gradient of the input is added up
within the products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import linear
from transformers.pytorch_utils import Conv1D

from adapterctl.training.learning.dropout import dropout, dropped

SIBLINGS = (
    frozenset({"query", "key", "value"}),
    frozenset({"q_proj", "k_proj", "v_proj"}),
    frozenset({"q_lin", "k_lin", "v_lin"}),
    frozenset({"gate_proj", "up_proj"}),
    frozenset({"w1", "w3"}),
)
"""Names of layers of one parent that are handed one input. Where they are not, nothing breaks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """One slot's pair on one layer: ``a`` is ``(rank, in)``, ``b`` is ``(out, rank)``, float32."""

    a: torch.nn.Parameter
    b: torch.nn.Parameter
    scaling: float
    dropout: float

    def add_to(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Returns ``out`` plus what the pair makes of ``x``.

        The scale goes onto the few columns between A and B instead of onto the wide result, which
        is added to within the product.
        """
        narrow = linear(dropout(x, self.dropout), self.a) * self.scaling
        flat = torch.addmm(out.flatten(0, -2), narrow.flatten(0, -2), self.b.t())
        return flat.view(out.shape)


def family_of(name: str) -> tuple[str, frozenset[str]]:
    """Returns what a layer has in common with its siblings: the parent, and the names there."""
    parent, _, own = name.rpartition(".")
    return parent, next((group for group in SIBLINGS if own in group), frozenset({own}))


def can_join(layer: torch.nn.Module, x: torch.Tensor) -> bool:
    """Whether a frozen layer is multiplied here as it would be by itself, in float32."""
    plain = type(layer) in {torch.nn.Linear, Conv1D}
    floats = plain and x.dtype is torch.float32 and layer.weight.dtype is torch.float32
    return bool(floats and not torch.is_autocast_enabled(x.device.type))


def joined(
    x: torch.Tensor, layers: Sequence[torch.nn.Module], pairs: Sequence[Pair]
) -> tuple[torch.Tensor, ...]:
    """Returns what each frozen layer makes of ``x``, plus what its pair does.

    Args:
        x: the input of all, ``(..., in)``.
        layers: `can_join` all of them.
        pairs: one for each layer, of one dropout.
    """
    keep = None
    if torch.is_grad_enabled():
        keep = dropped(x.shape, pairs[0].dropout, device=x.device)
    tensors = [tensor for pair in pairs for tensor in (pair.a, pair.b)]
    plan = _Plan(
        weights=[_across(layer) for layer in layers],
        biases=[layer.bias for layer in layers],
        scalings=[pair.scaling for pair in pairs],
        ranks=[pair.a.shape[0] for pair in pairs],
    )
    answers: tuple[torch.Tensor, ...] = _Joined.apply(plan, x, keep, *tensors)
    return answers


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is not learned: ``weights`` are ``(in, out)``, whichever way the layer keeps them."""

    weights: list[torch.Tensor]
    biases: list[torch.Tensor | None]
    scalings: list[float]
    ranks: list[int]

    def scaled(self, narrow: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Returns the columns between A and B, or their gradients, each times its scale."""
        return [columns * scale for columns, scale in zip(narrow, self.scalings, strict=True)]


def _across(layer: Any) -> torch.Tensor:
    weight: torch.Tensor = layer.weight
    return weight.t() if isinstance(layer, torch.nn.Linear) else weight


class _Joined(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """Frozen layers over one input: what is kept of it, then A and B of each pair in turn."""

    @staticmethod
    def forward(ctx: Any, plan: _Plan, x: torch.Tensor, *tensors: Any) -> tuple[torch.Tensor, ...]:
        keep, *pairs = tensors
        flat = x.reshape(-1, x.shape[-1])
        kept = flat if keep is None else flat * keep.view(flat.shape)
        wide, bs = torch.cat(pairs[::2]), pairs[1::2]
        narrow = plan.scaled(torch.mm(kept, wide.t()).split(plan.ranks, dim=1))
        answers = []
        for number, weight in enumerate(plan.weights):
            bias = plan.biases[number]
            out = torch.mm(flat, weight) if bias is None else torch.addmm(bias, flat, weight)
            out.addmm_(narrow[number], bs[number].t())
            answers.append(out.view(*x.shape[:-1], -1))
        ctx.plan, ctx.shape = plan, x.shape
        ctx.save_for_backward(kept, keep, wide, *narrow, *bs)
        return tuple(answers)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        plan: _Plan = ctx.plan
        kept, keep, wide, *rest = ctx.saved_tensors
        narrow, bs = rest[: len(plan.ranks)], rest[len(plan.ranks) :]
        given = [gradient.reshape(-1, gradient.shape[-1]) for gradient in upstream]
        between = torch.cat(
            plan.scaled([torch.mm(g, b) for g, b in zip(given, bs, strict=True)]), 1
        )
        of_a = torch.mm(between.t(), kept).split(plan.ranks)
        of_b = [torch.mm(g.t(), columns) for g, columns in zip(given, narrow, strict=True)]
        of_x = None
        if ctx.needs_input_grad[1]:
            of_x = torch.mm(between, wide)
            if keep is not None:
                of_x.mul_(keep.view(of_x.shape))
            for gradient, weight in zip(given, plan.weights, strict=True):
                of_x.addmm_(gradient, weight.t())
            of_x = of_x.view(ctx.shape)
        pairs = [part for both in zip(of_a, of_b, strict=True) for part in both]
        return (None, of_x, None, *pairs)
