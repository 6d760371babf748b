"""Which rows each optimizer step learns from; counted as ``transformers.Trainer`` counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

from adapterctl.records.recipe import TrainingSettings
from adapterctl.training.learning.order import row_order


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The steps of one training run.

    The last step of an epoch may be short; nothing is dropped and no step spans two epochs.

    Attributes:
        rows: size of the training set, at least 1.
    """

    rows: int
    settings: TrainingSettings

    @cached_property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one pass over the rows."""
        return math.ceil(self.rows / self._rows_per_step)

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

    def rows_of(self, step: int) -> list[int]:
        """Returns the numbers of the rows that a step learns from; steps count from 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _order(self.rows, self.settings.seed, epoch)
        return order[place * self._rows_per_step : (place + 1) * self._rows_per_step]

    @property
    def _rows_per_step(self) -> int:
        settings = self.settings
        return settings.per_device_train_batch_size * settings.gradient_accumulation_steps


@lru_cache(maxsize=64)
def _order(rows: int, seed: int, epoch: int) -> list[int]:
    return row_order(rows, seed=seed, epoch=epoch)
