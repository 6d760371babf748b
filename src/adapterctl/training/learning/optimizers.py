"""The optimizer and the learning-rate schedule that the training settings name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from adapterctl.errors import InvalidInput
from adapterctl.records.recipe import TrainingSettings

# transformers.Trainer.get_decay_parameter_names
_UNDECAYED = re.compile(r"bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)")


def optimizer_for(
    tensors: Mapping[str, torch.nn.Parameter], settings: TrainingSettings
) -> torch.optim.Optimizer:
    """Returns the optimizer over ``tensors``, in the order of their names.

    Biases and norms are not decayed, as in Trainer; with plain LoRA that concerns only what a
    head or a module trained whole holds.
    """
    kept = {name: not _UNDECAYED.search(name.lower()) for name in tensors}
    groups = [
        {
            "params": [tensors[name] for name in sorted(tensors) if kept[name] is decayed],
            "weight_decay": settings.weight_decay if decayed else 0.0,
        }
        for decayed in (True, False)
    ]
    return _optimizer([group for group in groups if group["params"]], settings)


def scheduler_for(
    optimizer: torch.optim.Optimizer, settings: TrainingSettings, *, steps: int, warmup_steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Returns transformers' own schedule of that name.

    Raises:
        InvalidInput: ``lr_scheduler_kwargs`` are not what this schedule takes.
    """
    from transformers.optimization import get_scheduler

    try:
        return get_scheduler(
            settings.lr_scheduler_type,
            optimizer=optimizer,
            num_warmup_steps=warmup_steps,
            num_training_steps=steps,
            scheduler_specific_kwargs=dict(settings.lr_scheduler_kwargs),
        )
    except (TypeError, ValueError) as error:
        raise InvalidInput.one(
            f"{settings.lr_scheduler_type} does not take these: {error}",
            place="training.lr_scheduler_kwargs",
            hint="its arguments are those of transformers.optimization.get_scheduler",
        ) from None


def _optimizer(groups: list[dict[str, Any]], settings: TrainingSettings) -> torch.optim.Optimizer:
    rate = settings.learning_rate
    if settings.optim == "sgd":
        return torch.optim.SGD(groups, lr=rate)
    if settings.optim == "adafactor":
        from transformers.optimization import Adafactor

        return Adafactor(groups, lr=rate, scale_parameter=False, relative_step=False)
    return torch.optim.AdamW(
        groups,
        lr=rate,
        betas=(settings.adam_beta1, settings.adam_beta2),
        eps=settings.adam_epsilon,
        fused=True if settings.optim == "adamw_torch_fused" else None,
    )
