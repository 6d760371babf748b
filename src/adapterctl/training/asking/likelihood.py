"""How likely a base finds an answer that is given to it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from adapterctl.training.learning.batches import Ids, Progress, answer_each, padded
from adapterctl.training.loading import LoadedBase
from adapterctl.training.rows.text import Example

_LOGITS_AT_ONCE = 2**26
"""Logits held at a time, unless one row alone needs more: 256 MiB in float32."""


def likelihoods(
    base: LoadedBase, examples: Sequence[Example], *, batch_size: int, progress: Progress
) -> list[float]:
    """Returns each example's negative log-likelihood: nats, summed over its learned tokens.

    The first token of a row is never counted: nothing comes before it. Logits are made only at
    positions that some row of the batch needs.
    """
    inputs = [(example.input_ids, example.loss_mask) for example in examples]

    def answer(batch: list[tuple[Ids, Ids]]) -> list[float]:
        return [nats for part in affordable(base, batch) for nats in _nats(base, part)]

    return answer_each(inputs, answer, size=batch_size, label="likelihood", progress=progress)


def affordable(base: LoadedBase, batch: list[tuple[Ids, Ids]]) -> list[list[tuple[Ids, Ids]]]:
    """Returns a batch split so that the logits of each part fit."""
    vocabulary = base.model.config.get_text_config().vocab_size
    places = len({at for _, mask in batch for at in scored(mask)}) or 1
    size = max(1, _LOGITS_AT_ONCE // (places * vocabulary))
    return [batch[start : start + size] for start in range(0, len(batch), size)]


def scored(mask: Ids) -> list[int]:
    """Returns the positions whose next token is learned."""
    return [at - 1 for at in range(1, len(mask)) if mask[at]]


def _nats(base: LoadedBase, batch: list[tuple[Ids, Ids]]) -> list[float]:
    positions = sorted({at for _, mask in batch for at in scored(mask)})
    if not positions:
        return [0.0] * len(batch)
    # Padding stands on the right: a causal base cannot see it, and positions need no shift.
    ids, attention = padded([ids for ids, _ in batch], fill=base.pad_token_id, device=base.device)
    learned, _ = padded([mask for _, mask in batch], fill=0, device=base.device)
    at = torch.tensor(positions, device=base.device)
    with torch.inference_mode():
        logits = base.model(
            input_ids=ids, attention_mask=attention, logits_to_keep=at, use_cache=False
        ).logits.float()
        said = logits.gather(-1, ids[:, at + 1].unsqueeze(-1)).squeeze(-1)
        nats = (logits.logsumexp(-1) - said).double() * learned[:, at + 1]
    return [float(value) for value in nats.sum(-1).tolist()]
