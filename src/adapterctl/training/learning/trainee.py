"""What the training loop needs of whatever is being trained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

import torch
from peft import LoraConfig

from adapterctl.rules.arithmetic import in_pieces
from adapterctl.training.learning.head import Unmade, frozen_head, softcap_of
from adapterctl.training.learning.loss import Batch, Logits


class Trainee(Protocol):
    """An adapter on its base: one of many slots, or PEFT's own layers.

    Attributes:
        tensors: what is trained, by a name that stays the same for the same settings and base.
        targets: dotted names of the base's layers that carry LoRA, sorted.
        config: PEFT's config, as the adapter's folder states it.
        apart: whether two threads may ask it for logits at a time, as far as it knows.
    """

    tensors: dict[str, torch.nn.Parameter]
    targets: list[str]
    config: LoraConfig
    apart: bool

    def logits(self, batch: Batch) -> Logits:
        """Returns the base's answer with this adapter, with gradients for `tensors` only."""

    def saved(self) -> dict[str, torch.Tensor]:
        """Returns what the adapter's file holds, under PEFT's names."""

    def leave(self) -> None:
        """Gives back what it holds of the base; the trainee is of no use afterwards."""


def restore(trainee: Trainee, tensors: Mapping[str, torch.Tensor]) -> None:
    """Puts values into the trainee's tensors, in place."""
    with torch.no_grad():
        for name, parameter in trainee.tensors.items():
            parameter.copy_(tensors[name])


def ask(model: Any, batch: Batch, *, device: str, bf16: bool) -> torch.Tensor:
    """Returns the logits of a ``PreTrainedModel`` or ``PeftModel`` on a batch.

    Vocabulary-wide logits are computed from the first position that is learned on, where the
    model can be told so; prompts are not worth their cost.
    """
    kept = {"logits_to_keep": batch.kept} if _some(batch) and _keeps(_inner(model)) else {}
    with _autocast(device, bf16=bf16):
        answer = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, **kept)
    logits: torch.Tensor = answer.logits
    return logits


def ask_to_learn(
    model: Any, batch: Batch, *, device: str, bf16: bool, arithmetic: int
) -> torch.Tensor | Unmade:
    """Returns the logits that a loss is taken of; where they would be too many, what makes them.

    Args:
        arithmetic: see `rules.arithmetic`.
    """
    inner = _inner(model)
    head = frozen_head(inner) if batch.next_tokens else None
    if head is None or not in_pieces(
        positions=batch.targets.numel(),
        vocabulary=head.weight.shape[0],
        family=inner.config.model_type,
        arithmetic=arithmetic,
    ):
        return ask(model, batch, device=device, bf16=bf16)
    with _autocast(device, bf16=bf16):
        states = inner.base_model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask
        ).last_hidden_state
    kept = slice(-batch.kept, None) if isinstance(batch.kept, int) else batch.kept
    return Unmade(
        states=states[:, kept],
        weight=head.weight,
        bias=head.bias,
        softcap=softcap_of(inner.config),
        dtype=torch.bfloat16 if bf16 else head.weight.dtype,
    )


def _inner(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _some(batch: Batch) -> bool:
    return isinstance(batch.kept, torch.Tensor) or batch.kept > 0


def _autocast(device: str, *, bf16: bool) -> Any:
    return torch.autocast(device.partition(":")[0], dtype=torch.bfloat16, enabled=bf16)


def _keeps(model: Any) -> bool:
    return _takes(type(model).forward, "logits_to_keep")


@cache
def _takes(method: Callable[..., Any], name: str) -> bool:
    return name in inspect.signature(method).parameters
