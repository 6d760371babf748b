"""Frozen layers on the CPU in float32: products by oneDNN, and a dropout that costs a quarter.

torch hands products in float32 to MKL. oneDNN, which torch brings along as well, is twice as fast
on an AMD EPYC with AVX-512, from one row on; on an Intel Xeon MKL is the faster one (ADR 0023). The
operator is the one that torch's own compiler calls; where a build of torch lacks it, and on
processors of another make, products stay as they are.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from adapterctl.training.determinism import cpu_vendor
from adapterctl.training.learning.dropout import dropout


class QuickLinear(torch.nn.Linear):  # type: ignore[misc]  # torch is Any to mypy
    """A frozen ``Linear``; its weight is ``(out, in)``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns ``(..., out)``."""
        return product(x, self.weight, self.bias) if _serves(self, x) else super().forward(x)


class QuickConv1D(Conv1D):  # type: ignore[misc]
    """A frozen ``Conv1D``; its weight is ``(in, out)``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns ``(..., out)``."""
        return product(x, self.weight.t(), self.bias) if _serves(self, x) else super().forward(x)


class QuickDropout(torch.nn.Dropout):  # type: ignore[misc]
    """A base's own dropout, drawn as that of the adapters is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns ``x`` with a share of it at 0 while it is trained on."""
        if x.dtype is not torch.float32:
            return super().forward(x)
        return dropout(x, self.p) if self.training else x


_MULTIPLIED: dict[type[torch.nn.Module], type[torch.nn.Module]] = {
    torch.nn.Linear: QuickLinear,
    Conv1D: QuickConv1D,
}
_DROPPED: dict[type[torch.nn.Module], type[torch.nn.Module]] = {torch.nn.Dropout: QuickDropout}

LINEAR = frozenset({torch.nn.Linear, QuickLinear})
QUICK = frozenset({QuickLinear, QuickConv1D})
PLAIN = LINEAR | QUICK | {Conv1D}
"""Layers that are a product and a bias and nothing else; a subclass of them may do more."""


def pays() -> bool:
    """Whether oneDNN is the faster one on this processor."""
    return cpu_vendor() == "AuthenticAMD"


def is_offered() -> bool:
    """Whether this torch has oneDNN's products, and nothing forbids them."""
    named = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return bool(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled and named)


def quicken(model: torch.nn.Module) -> None:
    """Makes a frozen model in float32 on the CPU quick, in place; names and tensors stay.

    A layer that learns, or is asked in another type or by autocast, answers as ever.
    """
    kinds = _DROPPED | (_MULTIPLIED if is_offered() and pays() else {})
    for module in model.modules():
        module.__class__ = kinds.get(type(module), type(module))


def is_quick(model: torch.nn.Module) -> bool:
    """Whether `quicken` was here."""
    kinds = {*_DROPPED.values(), *_MULTIPLIED.values()}
    return any(type(module) in kinds for module in model.modules())


def product(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Returns ``x @ weight.T + bias`` with a gradient for ``x`` alone.

    Args:
        x: ``(..., in)``, float32, not empty.
        weight: ``(out, in)``, of any strides.
        bias: ``(out,)``.
    """
    flat = x.reshape(-1, x.shape[-1])
    if torch.is_grad_enabled() and x.requires_grad:
        answer: torch.Tensor = _Product.apply(flat, weight, bias)
    else:
        answer = multiplied(flat, weight, bias)
    return answer.view(*x.shape[:-1], -1)


def multiplied(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Returns ``x @ weight.T + bias`` of two matrices, without gradients."""
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return found


def added(x: torch.Tensor, weight: torch.Tensor, to: torch.Tensor) -> torch.Tensor:
    """Returns ``to + x @ weight.T`` of matrices, without gradients; ``to`` stays as it is."""
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, to, weight, None, "add")
    return found


def _serves(layer: Any, x: torch.Tensor) -> bool:
    weight = layer.weight
    floats = x.dtype is weight.dtype is torch.float32 and x.device.type == "cpu" and x.numel() > 0
    learns = torch.is_grad_enabled() and (
        weight.requires_grad or (layer.bias is not None and layer.bias.requires_grad)
    )
    return bool(floats and not learns and not torch.is_autocast_enabled("cpu"))


class _Product(torch.autograd.Function):  # type: ignore[misc]
    """A product whose weight does not learn."""

    @staticmethod
    def forward(  # noqa: PLR0917  # autograd hands over what it is given
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.save_for_backward(weight)
        return multiplied(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        [weight] = ctx.saved_tensors
        return multiplied(upstream, weight.t()), None, None
