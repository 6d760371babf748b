"""From the rows of an optimizer step to gradients: in which passes, and what each adds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property, partial

import torch

from adapterctl.rules.arithmetic import is_halved
from adapterctl.training.learning.dropout import drawing
from adapterctl.training.learning.halves import deal, draws_elsewhere, side_by_side
from adapterctl.training.learning.initial import derived_seed
from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.loss import Batch, collate, loss_of
from adapterctl.training.learning.passes import cut, fill, overhead
from adapterctl.training.learning.ranks import Ranks, muted
from adapterctl.training.learning.trainee import Trainee
from adapterctl.training.loading import LoadedBase
from adapterctl.training.rows.text import Example

Pass = list[Batch]
"""What goes through the base at a time: in one piece, or in two halves."""


class Gradients:
    """What rows teach one slot.

    Args:
        base: what the trainee stands on.
        parameters: what is trained.
        ranks: the processes that train it together.
        threads: intra-op threads on the CPU, which the halves of a pass share.
    """

    def __init__(
        self,
        job: SlotJob,
        trainee: Trainee,
        *,
        base: LoadedBase,
        parameters: Sequence[torch.nn.Parameter],
        ranks: Ranks,
        threads: int,
    ) -> None:
        self._job, self._trainee, self._base = job, trainee, base
        self._parameters, self._ranks, self._threads = parameters, ranks, threads
        self._overhead = overhead(base.model, device=base.device)

    def passes(self, rows: Sequence[Example]) -> list[Pass]:
        """Returns the passes of a step's rows."""
        lengths = [len(row.input_ids) for row in rows]
        return [
            [
                self._batch([rows[number] for number in self._ranks.own(piece)], of=rows)
                for piece in self._pieces(numbers, tokens=sum(lengths[n] for n in numbers))
            ]
            for numbers in self._cut(lengths)
        ]

    def width(self, batches: Pass) -> int:
        """Returns how many tokens a pass computes, those that only fill up among them."""
        if self._base.unpadded:
            return sum(batch.tokens for batch in batches)
        return sum(batch.input_ids.numel() for batch in batches)

    def add(self, passes: Sequence[Pass], *, step: int) -> float:
        """Adds up the gradients of a step; returns its loss."""
        own = sum(batch.items for batches in passes for batch in batches)
        items = round(self._ranks.total(own))
        total, numbers = 0.0, itertools.count()
        for batches in passes:
            keys = [(step, next(numbers), *self._ranks.key) for _ in batches]
            seeds = [derived_seed(self._job.training.seed, *key) for key in keys]
            add = self._add_one if len(batches) == 1 else self._add_both
            total += add(batches, seeds, items=items)
        self._ranks.add_up(self._parameters)
        return self._ranks.total(total)

    def _add_one(self, batches: Pass, seeds: list[int], *, items: int) -> float:
        torch.manual_seed(seeds[0])
        loss = self._loss(batches[0], items=items)
        loss.backward()
        return float(loss.item())

    def _add_both(self, batches: Pass, seeds: list[int], *, items: int) -> float:
        """Adds the gradients of both halves, the first one's first."""

        def half(batch: Batch, seed: int) -> tuple[float, tuple[torch.Tensor | None, ...]]:
            with drawing(seed):
                loss = self._loss(batch, items=items)
            return loss.item(), torch.autograd.grad(loss, self._parameters, allow_unused=True)

        halves = [partial(half, *each) for each in zip(batches, seeds, strict=True)]
        found = side_by_side(halves, threads=self._threads)
        for _, gradients in found:
            for parameter, gradient in zip(self._parameters, gradients, strict=True):
                if gradient is not None:
                    held = parameter.grad
                    parameter.grad = gradient if held is None else held.add_(gradient)
        return sum(loss for loss, _ in found)

    def _loss(self, batch: Batch, *, items: int) -> torch.Tensor:
        smoothing = self._job.training.label_smoothing_factor
        return loss_of(self._trainee.logits(batch), batch, items=items, smoothing=smoothing)

    def _pieces(self, numbers: list[int], *, tokens: int) -> list[list[int]]:
        halved = is_halved(
            tokens=tokens,
            width=self._base.model.config.get_text_config().hidden_size,
            threads=self._threads,
            arithmetic=self._job.arithmetic,
        )
        return deal(numbers) if halved and self._apart else [numbers]

    @cached_property
    def _apart(self) -> bool:
        """Whether two passes may run at a time; one row tells where numbers come from."""
        if not (self._trainee.apart and self._base.device == "cpu" and self._ranks.size == 1):
            return False
        shortest = min(self._job.examples, key=lambda row: len(row.input_ids))
        batch = self._batch([shortest], of=[shortest])
        return not draws_elsewhere(lambda: self._trainee.logits(batch))

    def _batch(self, rows: list[Example], *, of: Sequence[Example]) -> Batch:
        """Returns a pass's rows; of none, one that teaches nothing: all ranks run every pass."""
        batch = collate(
            rows or of[:1],
            task=self._job.task,
            pad=self._base.pad_token_id,
            device=self._base.device,
            unpadded=self._base.unpadded,
        )
        return batch if rows else muted(batch)

    def _cut(self, lengths: list[int]) -> list[list[int]]:
        most = self._job.training.per_device_train_batch_size
        if self._base.unpadded:
            return fill(lengths, most=most)
        return cut(lengths, most=most, overhead=self._overhead)
