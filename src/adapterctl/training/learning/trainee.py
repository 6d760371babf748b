"""What the training loop needs of whatever is being trained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

import torch
from peft import LoraConfig

from adapterctl.training.learning.loss import Batch


class Trainee(Protocol):
    """An adapter on its base: one of many slots, or PEFT's own layers.

    Attributes:
        tensors: what is trained, by a name that stays the same for the same settings and base.
        targets: dotted names of the base's layers that carry LoRA, sorted.
        config: PEFT's config, as the adapter's folder states it.
    """

    tensors: dict[str, torch.nn.Parameter]
    targets: list[str]
    config: LoraConfig

    def logits(self, batch: Batch) -> torch.Tensor:
        """Returns the base's answer with this adapter, with gradients for `tensors` only."""

    def saved(self) -> dict[str, torch.Tensor]:
        """Returns what the adapter's file holds, under PEFT's names."""


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
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    some = isinstance(batch.kept, torch.Tensor) or batch.kept > 0
    kept = {"logits_to_keep": batch.kept} if some and _keeps(type(inner).forward) else {}
    with torch.autocast(device.partition(":")[0], dtype=torch.bfloat16, enabled=bf16):
        answer = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, **kept)
    logits: torch.Tensor = answer.logits
    return logits


@cache
def _keeps(method: Callable[..., Any]) -> bool:
    return "logits_to_keep" in inspect.signature(method).parameters
