"""Low-rank pairs on frozen layers: one by one, or those of siblings that read one input together.

Query, key and value read the same hidden states, gate and up too. Together they draw one dropout
mask and need one product with their A's, put one below the other, where there were three; forward
and back are written out, so that nothing is kept twice and the gradient of the input is added up
within the products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import linear

from adapterctl.training.learning.dropout import dropout, dropped
from adapterctl.training.products import LINEAR, PLAIN, QUICK, added, multiplied

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
    plain = type(layer) in PLAIN
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
        quick=all(type(layer) in QUICK for layer in layers) and x.device.type == "cpu",
    )
    answers: tuple[torch.Tensor, ...] = _Joined.apply(plan, x, keep, *tensors)
    return answers


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is not learned: ``weights`` are ``(in, out)``, whichever way the layer keeps them.

    ``quick`` says that products with them are oneDNN's.
    """

    weights: list[torch.Tensor]
    biases: list[torch.Tensor | None]
    scalings: list[float]
    ranks: list[int]
    quick: bool

    def scaled(self, narrow: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Returns the columns between A and B, or their gradients, each times its scale."""
        return [columns * scale for columns, scale in zip(narrow, self.scalings, strict=True)]

    def times(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Returns the product of two matrices."""
        return multiplied(left, right.t()) if self.quick else torch.mm(left, right)

    def across(self, wide: torch.Tensor, narrow: torch.Tensor) -> torch.Tensor:
        """Returns ``wide.T @ narrow``; oneDNN is quicker with the few rows on the left."""
        if self.quick:
            return multiplied(narrow.t(), wide.t()).t().contiguous()
        return torch.mm(wide.t(), narrow)

    def frozen(self, flat: torch.Tensor) -> Iterator[torch.Tensor]:
        """Yields what each frozen layer makes of ``(tokens, in)``."""
        for weight, bias in zip(self.weights, self.biases, strict=True):
            if self.quick:
                yield multiplied(flat, weight.t(), bias)
            else:
                yield torch.mm(flat, weight) if bias is None else torch.addmm(bias, flat, weight)

    def back(self, given: Sequence[torch.Tensor], *, to: torch.Tensor) -> torch.Tensor:
        """Returns ``to`` plus what comes back through the frozen layers; ``to`` is used up."""
        for gradient, weight in zip(given, self.weights, strict=True):
            to = added(gradient, weight, to) if self.quick else to.addmm_(gradient, weight.t())
        return to


def _across(layer: Any) -> torch.Tensor:
    weight: torch.Tensor = layer.weight
    return weight.t() if type(layer) in LINEAR else weight


class _Joined(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """Frozen layers over one input: what is kept of it, then A and B of each pair in turn."""

    @staticmethod
    def forward(ctx: Any, plan: _Plan, x: torch.Tensor, *tensors: Any) -> tuple[torch.Tensor, ...]:
        keep, *pairs = tensors
        flat = x.reshape(-1, x.shape[-1])
        kept = flat if keep is None else flat * keep.view(flat.shape)
        wide, bs = torch.cat(pairs[::2]), pairs[1::2]
        narrow = plan.scaled(plan.times(kept, wide.t()).split(plan.ranks, dim=1))
        answers = []
        for out, columns, b in zip(plan.frozen(flat), narrow, bs, strict=True):
            answers.append(out.addmm_(columns, b.t()).view(*x.shape[:-1], -1))
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
            plan.scaled([plan.times(g, b) for g, b in zip(given, bs, strict=True)]), 1
        )
        of_a = plan.times(between.t(), kept).split(plan.ranks)
        of_b = [plan.across(g, columns) for g, columns in zip(given, narrow, strict=True)]
        of_x = None
        if ctx.needs_input_grad[1]:
            of_x = plan.times(between, wide)
            if keep is not None:
                of_x.mul_(keep.view(of_x.shape))
            of_x = plan.back(given, to=of_x).view(ctx.shape)
        pairs = [part for both in zip(of_a, of_b, strict=True) for part in both]
        return (None, of_x, None, *pairs)
