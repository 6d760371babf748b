"""Rows that a run does not learn from: when their loss stops falling, more steps are of no use."""

from __future__ import annotations

from pathlib import Path

import msgspec
import torch

from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.loss import collate, loss_of
from adapterctl.training.learning.trainee import Trainee
from adapterctl.training.loading import LoadedBase

LOOKS = 8
"""How often a whole run is looked at."""

PATIENCE = 2
"""Looks without a lower loss after which a run ends."""

_FILE = "held.json"


class Holdout:
    """The losses of one run on its held-out rows; kept beside its checkpoints."""

    def __init__(
        self, job: SlotJob, base: LoadedBase, *, folder: Path, steps: int, keeps: bool = True
    ) -> None:
        self._job, self._base, self._keeps = job, base, keeps
        self._every = max(1, steps // LOOKS)
        self._steps = steps
        self._file = folder / _FILE
        self._losses = self._kept() if job.held else {}

    @property
    def lowest(self) -> float | None:
        """The lowest loss per target so far, in nats."""
        return min(self._losses.values(), default=None)

    def hopeless(self, step: int) -> bool:
        """Whether the loss has not been lower for `PATIENCE` looks up to ``step``."""
        seen = [loss for at, loss in sorted(self._losses.items()) if at <= step]
        return len(seen) > PATIENCE and min(seen[-PATIENCE:]) >= min(seen[:-PATIENCE])

    def look(self, step: int, trainee: Trainee) -> None:
        """Takes the loss after ``step`` steps, if it is time; a repeated step gives the same."""
        if self._job.held and (step % self._every == 0 or step == self._steps):
            self._losses[step] = self._loss(trainee)
            self._keep()

    def _keep(self) -> None:
        if not self._keeps:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(self._losses))
        partial.replace(self._file)

    def _loss(self, trainee: Trainee) -> float:
        rows, size = self._job.held, self._job.training.per_device_eval_batch_size
        total, items = 0.0, 0
        self._base.model.eval()
        with torch.no_grad():
            for start in range(0, len(rows), size):
                batch = collate(
                    rows[start : start + size],
                    task=self._job.task,
                    pad=self._base.pad_token_id,
                    device=self._base.device,
                    unpadded=self._base.unpadded,
                )
                logits = trainee.logits(batch)
                total += loss_of(logits, batch, items=1, smoothing=0.0).item()
                items += batch.items
        self._base.model.train()
        return total / max(items, 1)

    def _kept(self) -> dict[int, float]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[int, float])
        except (OSError, msgspec.DecodeError):
            return {}
