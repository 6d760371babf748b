"""Logits over a vocabulary that are never in memory at once.

The hidden states of 4,096 positions are small; their logits over 131,072 tokens are 2 GiB in
float32, and the loss holds them three times over. `Unmade` keeps the states and the head instead;
its loss makes the logits of a few positions, takes loss and gradient of them, and forgets them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import cross_entropy, linear

from adapterctl.rules.arithmetic import LARGE
from adapterctl.training.learning.taught import Taught, beside
from adapterctl.training.products import LINEAR

IGNORED = -100
"""The target of a position that nothing is learned at."""


@dataclass(frozen=True, kw_only=True)
class Unmade:
    """What logits would be made of.

    Attributes:
        states: hidden states, ``(rows, positions, width)``, with gradients.
        weight: of the frozen head, ``(vocabulary, width)``.
        bias: of the head.
        softcap: Gemma's: logits go through ``softcap * tanh(logits / softcap)``.
        dtype: what the product is computed in.
    """

    states: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None
    softcap: float | None
    dtype: torch.dtype

    def loss(
        self,
        targets: torch.Tensor,
        *,
        smoothing: float,
        taught: Taught | None = None,
        most: int = LARGE,
    ) -> torch.Tensor:
        """Returns the summed cross entropy of ``targets``, ``(rows, positions)``, in float32.

        Args:
            taught: what a teacher expects at the learned positions, learned beside the targets.
            most: logits that are held at a time.
        """
        learned = targets.flatten() != IGNORED
        states = self.states.flatten(0, -2)[learned].to(self.dtype)
        bias = None if self.bias is None else self.bias.to(self.dtype)
        head = _Head(self.weight.to(self.dtype), bias, self.softcap, smoothing)
        rows = max(1, most // len(head.weight))
        task = _Task(targets.flatten()[learned], head, rows, taught)
        total: torch.Tensor = _InPieces.apply(states, task)
        return total


@dataclass(frozen=True)
class _Head:
    weight: torch.Tensor
    bias: torch.Tensor | None
    softcap: float | None
    smoothing: float

    def loss(
        self, states: torch.Tensor, targets: torch.Tensor, taught: Taught | None
    ) -> torch.Tensor:
        logits = linear(states, self.weight, self.bias).float()
        if self.softcap:
            logits = torch.tanh(logits / self.softcap) * self.softcap
        total = cross_entropy(logits, targets, reduction="sum", label_smoothing=self.smoothing)
        return beside(total, logits, taught)


@dataclass(frozen=True)
class _Task:
    """What is learned, by which head, and how many positions make a piece."""

    targets: torch.Tensor
    head: _Head
    rows: int
    taught: Taught | None

    def loss(self, states: torch.Tensor, piece: slice) -> torch.Tensor:
        taught = None if self.taught is None else self.taught[piece]
        return self.head.loss(states, self.targets[piece], taught)


class _InPieces(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """The gradient of the states is taken on the way forward, while a piece's logits are there."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, task: _Task) -> torch.Tensor:
        learns = ctx.needs_input_grad[0]
        gradient = torch.empty_like(states)
        total = states.new_zeros((), dtype=torch.float32)
        for start in range(0, len(states), task.rows):
            piece = slice(start, start + task.rows)
            with torch.set_grad_enabled(learns):
                part = states[piece].detach().requires_grad_(learns)
                loss = task.loss(part, piece)
            if learns:
                (gradient[piece],) = torch.autograd.grad(loss, part)
            total += loss.detach()
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream, None


def softcap_of(config: Any) -> float | None:
    """Returns what a model's config says of capping its logits."""
    cap = getattr(config.get_text_config(), "final_logit_softcapping", None)
    return None if cap is None else float(cap)


def frozen_head(model: Any) -> torch.nn.Linear | None:
    """Returns the layer that makes a ``PreTrainedModel``'s logits, if nothing of it is trained.

    A slot's layer in its place answers by ``bare()``: the frozen layer, or ``None`` where the
    active slot has something of its own there.
    """
    head = model.get_output_embeddings()
    while head is not None and hasattr(head, "bare"):
        head = head.bare()
    if type(head) not in LINEAR or head.weight.requires_grad:
        return None
    return head
