"""Which rows each optimizer step learns from; counted as ``transformers.Trainer`` counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

from adapterctl.records.recipe import TrainingSettings
from adapterctl.training.order import row_order


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The steps of one training run.

    The last micro-batch of an epoch may be short, and so may its last step; nothing is dropped
    and no step spans two epochs.

    Attributes:
        rows: size of the training set, at least 1.
    """

    rows: int
    settings: TrainingSettings

    @cached_property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one pass over the rows."""
        return math.ceil(self._micro_batches / self.settings.gradient_accumulation_steps)

    @cached_property
    def steps(self) -> int:
        """Optimizer steps in all: ``max_steps`` when it is set, else from the epochs."""
        if self.settings.max_steps > 0:
            return self.settings.max_steps
        return math.ceil(self.settings.num_train_epochs * self.steps_per_epoch)

    @cached_property
    def warmup_steps(self) -> int:
        """Steps of warm-up; a ``warmup_steps`` below 1 is a share of all, like the older ratio."""
        wanted = self.settings.warmup_steps or self.settings.warmup_ratio
        if self.settings.warmup_steps >= 1:
            return int(wanted)
        return math.ceil(self.steps * wanted)

    def micro_batches(self, step: int) -> list[list[int]]:
        """Returns the row numbers of each micro-batch of a step; steps count from 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _order(self.rows, self.settings.seed, epoch)
        size = self.settings.per_device_train_batch_size
        accumulated = self.settings.gradient_accumulation_steps
        first = place * accumulated
        numbers = range(first, min(first + accumulated, self._micro_batches))
        return [order[number * size : (number + 1) * size] for number in numbers]

    @property
    def _micro_batches(self) -> int:
        return math.ceil(self.rows / self.settings.per_device_train_batch_size)


@lru_cache(maxsize=64)
def _order(rows: int, seed: int, epoch: int) -> list[int]:
    return row_order(rows, seed=seed, epoch=epoch)
