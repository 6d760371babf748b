"""Processes that train one adapter together on a base that is spread over them.

Each holds a part of every layer of the base (FSDP2), and the whole adapter with its optimizer. A
pass's rows are dealt out; the gradients of the adapter are added up, so that every process takes
the same step and holds the same bits. The first one writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from adapterctl.errors import Problem
from adapterctl.records.recipe import TrainingSettings
from adapterctl.training.learning.head import IGNORED
from adapterctl.training.learning.loss import Batch
from adapterctl.training.learning.unpadded import trunk_of


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The place of this process among those that train an adapter; alone, nothing is added.

    Attributes:
        number: from 0; the first one writes checkpoints and results.
        size: how many there are.
        device: where what is added up lies.
    """

    number: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def leads(self) -> bool:
        """Whether this process writes."""
        return self.number == 0

    def named(self, device: str) -> str:
        """Returns what checkpoints go by: all processes read those of the first."""
        kind = device.partition(":")[0]
        return device if self.size == 1 else f"{kind}, spread over {self.size}"

    @property
    def key(self) -> tuple[int, ...]:
        """What tells this process's dropout from that of the first."""
        return () if self.leads else (self.number,)

    def own(self, rows: Sequence[int]) -> Sequence[int]:
        """Returns this process's rows of a pass: every ``size``-th."""
        return rows[self.number :: self.size]

    def total(self, value: float) -> float:
        """Returns the sum over all processes."""
        if self.size == 1:
            return value
        held = torch.tensor(float(value), dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(held)
        return float(held)

    def add_up(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Makes each gradient the sum over all processes, the same bits in every one."""
        if self.size == 1:
            return
        held = [parameter.grad for parameter in parameters if parameter.grad is not None]
        every = torch.cat([gradient.flatten() for gradient in held])
        torch.distributed.all_reduce(every)
        sizes = [gradient.numel() for gradient in held]
        for gradient, part in zip(held, every.split(sizes), strict=True):
            gradient.copy_(part.view_as(gradient))


ALONE = Ranks()


def muted(batch: Batch) -> Batch:
    """Returns a batch that teaches nothing: who has no row of a pass still takes part in it."""
    soft = batch.targets.is_floating_point()
    nothing = torch.full_like(batch.targets, 0 if soft else IGNORED)
    return replace(batch, targets=nothing, items=0, tokens=0, taught=None)


def spreading_problems(training: TrainingSettings, *, plain: bool) -> Iterator[Problem]:
    """Yields why an adapter cannot be trained on a base that is spread over processes."""
    if not plain:
        yield Problem(
            place="lora",
            what="only plain LoRA is trained on a base that is spread over processes",
            hint="shards: 1 in params.yaml, or LoRA without DoRA, biases and other starts",
        )
    if training.load_in_4bit:
        yield Problem(
            place="training.load_in_4bit",
            what="a base in 4 bits is not spread over processes",
            hint="shards: 1 in params.yaml, or load_in_4bit: false",
        )


def spread(model: Any, ranks: Ranks) -> None:
    """Spreads a base's layers over the processes, in place, one layer after the other.

    Embeddings, the last norm and the head stay whole in every process: the loss reads the head
    beside the model. On a GPU a layer is there whole only while it is spread, and while it runs.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(ranks.device.partition(":")[0], (ranks.size,))
    trunk = trunk_of(model)
    layers = _layers(trunk)
    for layer in layers:
        fully_shard(layer, mesh=mesh)
    inside = {id(parameter) for layer in layers for parameter in layer.parameters()}
    beside = {parameter for parameter in model.parameters() if id(parameter) not in inside}
    fully_shard(trunk, mesh=mesh, ignored_params=beside)
    for parameter in beside:
        parameter.data = parameter.data.to(ranks.device)
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = buffer.to(ranks.device)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Returns a tensor that may be spread, in one piece; all processes ask for it."""
    piece: torch.Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return piece


def _layers(trunk: Any) -> Any:
    """Returns the list of layers: the one with most weights in it."""
    lists = [module for module in trunk.modules() if isinstance(module, torch.nn.ModuleList)]
    return max(lists, key=lambda each: sum(p.numel() for p in each.parameters()))
