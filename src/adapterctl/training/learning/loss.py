"""Examples to batches, and logits to the loss that ``transformers.Trainer`` would report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch.nn.functional import cross_entropy

from adapterctl.records.recipe import Task
from adapterctl.training.learning.batches import padded
from adapterctl.training.learning.head import IGNORED, Unmade
from adapterctl.training.learning.taught import Taught, beside, joined
from adapterctl.training.rows.text import Example

Logits: TypeAlias = torch.Tensor | Unmade
"""Made, or to be made a piece at a time."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one pass reads, on its device, padded on the right to its longest row.

    A base that runs `unpadded` takes it the same way; only positions to make logits at are other.

    Attributes:
        input_ids: ``(rows, length)``.
        attention_mask: ``(rows, length)``, 1 on real tokens.
        targets: ``(rows,)`` of label ids; ``(rows, labels)`` of shares, float32, where the
            examples are soft; or ``(rows, kept)`` of token ids, aligned with the last ``kept``
            positions of the logits; `IGNORED` where nothing is learned.
        kept: how many positions, from the end, need logits; 0 when all or one per row. Unpadded
            which positions do, counted along all real tokens; ``targets`` is then
            ``(1, positions)``.
        items: how many targets count.
        tokens: how many tokens are real.
        taught: what a teacher expects at the targets that count, row after row.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor
    kept: int | torch.Tensor
    items: int
    tokens: int
    taught: Taught | None = None

    @property
    def next_tokens(self) -> bool:
        """Whether the targets are token ids."""
        return self.targets.dim() == 2 and not self.targets.is_floating_point()


def collate(
    examples: Sequence[Example], *, task: Task, pad: int, device: str, unpadded: bool = False
) -> Batch:
    """Returns the batch of a few examples.

    Args:
        pad: token that fills short rows.
        unpadded: whether the base runs without padding.
    """
    kept: int | torch.Tensor
    taught = joined(examples)
    ids, mask = padded([example.input_ids for example in examples], fill=pad, device=device)
    if task == "SEQ_CLS":
        targets, kept = _labels(examples), 0
    elif unpadded:
        targets, kept = _next_tokens_in_a_row(examples)
        kept = kept.to(device)
    else:
        targets, kept = _next_tokens(examples, length=ids.shape[1])
    return Batch(
        input_ids=ids,
        attention_mask=mask,
        targets=targets.to(device),
        kept=kept,
        items=len(examples) if targets.is_floating_point() else int((targets != IGNORED).sum()),
        tokens=sum(len(example.input_ids) for example in examples),
        taught=None if taught is None else taught.to(device),
    )


def loss_of(logits: Logits, batch: Batch, *, items: int, smoothing: float) -> torch.Tensor:
    """Returns the cross entropy of a pass, as its share of the whole step.

    The sum over its targets is divided by the targets of the whole step, as Trainer does for
    models whose loss takes ``num_items_in_batch``: accumulating k batches gives the gradient of
    one batch k times as large.

    Args:
        logits: ``(rows, labels)``, or ``(rows, positions, vocabulary)``, or what makes them.
        batch: where the logits come from.
        items: targets in the whole optimizer step.
        smoothing: label smoothing, spread evenly over all classes; of what a teacher expects,
            nothing is smoothed.
    """
    targets = batch.targets
    if isinstance(logits, Unmade):
        return logits.loss(targets, smoothing=smoothing, taught=batch.taught) / max(items, 1)
    if not targets.is_floating_point():
        if targets.dim() == 2:
            logits = logits[:, -targets.shape[1] :]
        targets = targets.flatten()
    logits = logits.float().flatten(0, -2)
    total = cross_entropy(
        logits, targets, ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing
    )
    if batch.taught is not None:
        total = beside(total, logits[targets != IGNORED], batch.taught)
    return total / max(items, 1)


def _labels(examples: Sequence[Example]) -> torch.Tensor:
    if examples[0].soft:
        return torch.tensor([example.soft for example in examples])
    return torch.tensor([example.label for example in examples])


def _next_tokens_in_a_row(examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the tokens to predict, and the positions to do it at, along all real tokens."""
    ids = [token for example in examples for token in example.input_ids]
    # The first token of an example is never predicted: nothing comes before it.
    learned = [learn for example in examples for learn in (0, *example.loss_mask[1:])]
    found = [place for place, learn in enumerate(learned) if learn]
    if not found:
        return torch.tensor([[IGNORED]]), torch.tensor([0])
    return torch.tensor([[ids[place] for place in found]]), torch.tensor(found) - 1


def _next_tokens(examples: Sequence[Example], *, length: int) -> tuple[torch.Tensor, int]:
    """Returns for each position the token to predict there, from the first that is learned on."""
    targets = torch.full((len(examples), length), IGNORED)
    for row, example in enumerate(examples):
        learned = [
            token if learn else IGNORED
            for token, learn in zip(example.input_ids, example.loss_mask, strict=True)
        ]
        targets[row, : len(learned) - 1] = torch.tensor(learned[1:])
    first = int((targets != IGNORED).any(0).int().argmax())
    return targets[:, first:], length - first
