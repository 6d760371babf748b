"""Slots: several adapters on one frozen base, each with its own low-rank pairs and its own head.

Every target layer of the base becomes a `SlotLinear`, every module that is trained whole a
`SlotModule`. One slot is active at a time; what the others hold takes no part in it, so a slot's
bytes cannot depend on its neighbours. The tensors belong to the slots: the base's own parameters
stay as they were loaded.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import torch

from adapterctl.errors import InvalidInput
from adapterctl.rules.arithmetic import joins_siblings
from adapterctl.rules.mapping.roles import HEAD, role_of
from adapterctl.training.learning.halves import keeps_state
from adapterctl.training.learning.initial import fresh_module, given_weights, low_rank_a
from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.layers import Siblings, SlotLinear, SlotModule, Switch
from adapterctl.training.learning.loss import Batch, Logits
from adapterctl.training.learning.pairs import Pair, family_of
from adapterctl.training.learning.ranks import whole
from adapterctl.training.learning.trainee import ask_to_learn, restore
from adapterctl.training.learning.unpadded import Layout
from adapterctl.training.loading import LoadedBase
from adapterctl.training.quantized import check_whole
from adapterctl.training.twin import PREFIX, Reading, Target

HEADS = ("classifier", "score")
"""Modules that PEFT trains whole for SEQ_CLS."""


class SlottedBase:
    """A loaded base with slots in it; takes over the model, and changes it in place.

    Args:
        base: the base, or another head over the trunk of one.
        switch: that of the other heads; theirs and this one's first slots come later.
    """

    def __init__(self, base: LoadedBase, switch: Switch | None = None) -> None:
        self.base = base
        self.switch = switch or Switch(Layout(base.model))
        self._frozen = base.model.state_dict()
        self._layers: dict[str, SlotLinear | SlotModule] = {}
        base.model.train()

    def add(
        self, slot: str, reading: Reading, *, seed: int, lora_dropout: float, joins: bool = True
    ) -> dict[str, torch.nn.Parameter]:
        """Makes room for a slot and returns its trainable tensors under PEFT's names.

        Args:
            slot: its name.
            reading: what it trains.
            seed: keys where it starts.
            lora_dropout: of its pairs.
            joins: whether `pairs.SIBLINGS` are computed together.

        Raises:
            InvalidInput: the base lacks weights that no part of the adapter would carry.
        """
        check_fresh(self.base, own=list(reading.own))
        tensors: dict[str, torch.nn.Parameter] = {}
        families: defaultdict[object, Siblings] = defaultdict(Siblings)
        for target in reading.targets:
            pair = self._pair(target, seed=seed, lora_dropout=lora_dropout)
            layer = self._layer(target.name, SlotLinear)
            layer.parts[slot] = pair
            if joins:
                siblings = families[family_of(target.name)]
                siblings.join(target.name, layer, pair)
                layer.siblings[slot] = siblings
            tensors[f"{PREFIX}{target.name}.lora_A.weight"] = pair.a
            tensors[f"{PREFIX}{target.name}.lora_B.weight"] = pair.b
        for name, template in reading.own.items():
            module = self._own(name, template, like=reading.base, seed=seed)
            self._layer(name, SlotModule).parts[slot] = module
            for part, parameter in module.named_parameters():
                tensors[f"{PREFIX}{name}.{part}"] = parameter
        return tensors

    def remove(self, slot: str) -> None:
        """Takes a slot out again; what it held is free once nobody else holds it."""
        for layer in self._layers.values():
            layer.parts.pop(slot, None)
            if isinstance(layer, SlotLinear):
                layer.siblings.pop(slot, None)

    def switch_to(
        self, slot: str | None, *, gradient_checkpointing: bool = False, unpadded: bool = False
    ) -> Any:
        """Returns the model with one slot switched on, or bare; it stays so until the next switch.

        Activations that are recomputed in the backward pass need it still to be on.
        """
        base = replace(self.base, unpadded=unpadded)
        self.switch.prepare(base, gradient_checkpointing=gradient_checkpointing)
        self.switch.slot = slot
        return self.base.model

    def _pair(self, target: Target, *, seed: int, lora_dropout: float) -> Pair:
        frozen = self._layer(target.name, SlotLinear).frozen
        width_in, width_out = _widths(frozen)
        a = low_rank_a(target.name, (target.rank, width_in), seed=seed)
        return Pair(
            a=self._trainable(a),
            b=self._trainable(torch.zeros(width_out, target.rank)),
            scaling=target.scaling,
            dropout=lora_dropout,
        )

    def _own(
        self, name: str, template: torch.nn.Module, *, like: Any, seed: int
    ) -> torch.nn.Module:
        """Returns a slot's copy: of the base's module, or fresh where that is a head or absent."""
        module = fresh_module(name, template, base=like, seed=seed)
        if not starts_fresh(name, self.base):
            parts = {part: whole(self._frozen[f"{name}.{part}"]) for part in module.state_dict()}
            check_whole(name, parts, like=module)
            module.load_state_dict(parts)
        return module.to(self.base.device).requires_grad_(True).train()

    def _trainable(self, tensor: torch.Tensor) -> torch.nn.Parameter:
        return torch.nn.Parameter(tensor.to(self.base.device))

    def _layer(self, name: str, kind: type[Any]) -> Any:
        """Returns the slotted layer of that name, put in place when the first slot needs it."""
        *path, child = name.split(".")
        parent = self.base.model
        for part in path:
            step = getattr(parent, part)
            # One slot may train whole what holds another slot's target.
            parent = step.frozen if isinstance(step, SlotModule) else step
        layer = getattr(parent, child)
        if not isinstance(layer, kind):
            layer = kind(layer, self.switch, name)
            setattr(parent, child, layer)
        self._layers[name] = layer
        return layer


class SlotTrainee:
    """One slot of a slotted base; a `Trainee`."""

    def __init__(
        self, job: SlotJob, slotted: SlottedBase, reading: Reading, *, unpadded: bool = False
    ) -> None:
        self.targets = [target.name for target in reading.targets]
        self.config = reading.config
        # Recomputing asks the base on the way back; autocast keeps weights that threads share.
        alone = job.training.gradient_checkpointing or job.training.bf16
        self.apart = unpadded and not (alone or keeps_state(slotted.base.model))
        self._job, self._slotted, self._unpadded = job, slotted, unpadded
        self.tensors = slotted.add(
            job.name,
            reading,
            seed=job.training.seed,
            lora_dropout=job.lora.lora_dropout,
            joins=joins_siblings(arithmetic=job.arithmetic),
        )
        if job.initial_weights is not None:
            restore(self, given_weights(job.initial_weights, shapes=reading.shapes))

    def logits(self, batch: Batch) -> Logits:
        """Returns the base's answer with this slot."""
        settings = self._job.training
        model = self._slotted.switch_to(
            self._job.name,
            gradient_checkpointing=settings.gradient_checkpointing,
            unpadded=self._unpadded,
        )
        return ask_to_learn(
            model,
            batch,
            device=self._slotted.base.device,
            bf16=settings.bf16,
            arithmetic=self._job.arithmetic,
        )

    def saved(self) -> dict[str, torch.Tensor]:
        """Returns the slot's tensors: they have PEFT's names already."""
        return {name: tensor.detach() for name, tensor in self.tensors.items()}

    def leave(self) -> None:
        """Frees the slot; the trainee is of no use afterwards."""
        self._slotted.remove(self._job.name)


def check_fresh(base: LoadedBase, *, own: list[str]) -> None:
    """Refuses a base whose missing weights no part of the adapter would carry.

    Raises:
        InvalidInput: naming the modules to train whole.
    """
    lost = [name for name in base.fresh if not any(name.startswith(f"{module}.") for module in own)]
    if lost:
        modules = sorted({name.rpartition(".")[0] for name in lost})
        raise InvalidInput.one(
            f"the base has no weights for {', '.join(modules)}, and the adapter would not "
            "carry them: it would answer by chance wherever it is loaded",
            place="lora.modules_to_save",
            hint=f"modules_to_save: [{', '.join(modules)}]",
        )


def starts_fresh(name: str, base: LoadedBase) -> bool:
    """Whether a module starts from the slot's seed: a head, or what the base has no weights for."""
    absent = any(fresh.startswith(f"{name}.") for fresh in base.fresh)
    heads = name.rpartition(".")[2] in HEADS or (base.task == "SEQ_CLS" and role_of(name) == HEAD)
    return absent or heads


def _widths(layer: torch.nn.Module) -> tuple[int, int]:
    """Returns input and output width; in 4 bits a layer's weight does not have its shape."""
    if isinstance(layer, torch.nn.Linear):
        return layer.in_features, layer.out_features
    # Conv1D keeps its weight the other way round.
    width_in, width_out = layer.weight.shape
    return width_in, width_out
