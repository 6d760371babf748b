"""What slots do not do (DoRA, other starts, biases, embeddings, ...) through PEFT's own layers.

Such an adapter has a base for itself, because some of them change the base's own parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from peft import LoraConfig, set_peft_model_state_dict

from adapterctl.training.learning.initial import derived_seed, fresh_module, given_weights
from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.layers import set_checkpointing
from adapterctl.training.learning.loss import Batch, Logits
from adapterctl.training.learning.slots import check_fresh, starts_fresh
from adapterctl.training.learning.trainee import ask_to_learn
from adapterctl.training.loading import LoadedBase
from adapterctl.training.refusals import TAKING_OUT
from adapterctl.training.twin import Reading, adapter_state, inject, lora_config


class VariantTrainee:
    """An adapter of PEFT's own layers on a base of its own; a `Trainee`."""

    apart = False

    def __init__(self, job: SlotJob, base: LoadedBase, reading: Reading) -> None:
        check_fresh(base, own=list(reading.own))
        _start_fresh(base, reading, seed=job.training.seed)
        self.targets = [target.name for target in reading.targets]
        self._job, self._device = job, base.device
        # PEFT draws from the global state, layer after layer.
        torch.manual_seed(derived_seed(job.training.seed, "initial"))
        config = lora_config(job.lora, task=job.task)
        self._wrapped = inject(base.model, config).train()
        self._taken_out = self._state() if _is_mutating(job) else None
        self.config = config if self._taken_out is None else doubled(config)
        if job.initial_weights is not None:
            start = given_weights(job.initial_weights, shapes=reading.shapes)
            set_peft_model_state_dict(self._wrapped, start)
        if job.training.gradient_checkpointing:
            set_checkpointing(base.model, on=True)
        named = self._wrapped.named_parameters()
        self.tensors = {name: tensor for name, tensor in named if tensor.requires_grad}

    def logits(self, batch: Batch) -> Logits:
        """Returns the base's answer with this adapter."""
        return ask_to_learn(
            self._wrapped,
            batch,
            device=self._device,
            bf16=self._job.training.bf16,
            arithmetic=self._job.arithmetic,
        )

    def saved(self) -> dict[str, torch.Tensor]:
        """Returns what the adapter's file holds, for the base as it is on disk."""
        state = self._state()
        return state if self._taken_out is None else difference(state, self._taken_out)

    def leave(self) -> None:
        """Leaves nothing: the base was its own."""

    def _state(self) -> dict[str, torch.Tensor]:
        state = adapter_state(self._wrapped)
        return {name: tensor.detach().clone() for name, tensor in state.items()}


def difference(
    trained: Mapping[str, torch.Tensor], taken_out: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Returns plain LoRA of twice the rank: what was trained minus what was taken out.

    BA - B0 A0 = [B, -B0] [A; A0], as PEFT's ``subtract_mutated_init`` has it; tensors that are
    not part of a pair stay as they are.
    """
    joined = dict(trained)
    for name, start in taken_out.items():
        if ".lora_A." in name:
            joined[name] = torch.cat([trained[name], start], dim=0)
        elif ".lora_B." in name:
            joined[name] = torch.cat([trained[name], -start], dim=1)
    return joined


def doubled(config: LoraConfig) -> LoraConfig:
    """Returns the config of the plain LoRA that `difference` gives: the same scaling, rank 2 r."""
    factor = math.sqrt(2) if config.use_rslora else 2
    fields = {
        **config.to_dict(),
        "init_lora_weights": True,
        "r": 2 * config.r,
        "lora_alpha": factor * config.lora_alpha,
        "rank_pattern": {key: 2 * rank for key, rank in config.rank_pattern.items()},
        "alpha_pattern": {key: factor * alpha for key, alpha in config.alpha_pattern.items()},
    }
    return LoraConfig(**fields)


def _start_fresh(base: LoadedBase, reading: Reading, *, seed: int) -> None:
    """Gives the base the head that a slot with this seed would start from."""
    for name, template in reading.own.items():
        if starts_fresh(name, base):
            module = fresh_module(name, template, base=reading.base, seed=seed)
            base.model.get_submodule(name).load_state_dict(module.state_dict())


def _is_mutating(job: SlotJob) -> bool:
    return str(job.lora.init_lora_weights).partition("_")[0] in TAKING_OUT
