"""What an adapter expects at each token that another one is to learn, on the rows' own answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from adapterctl.rules.teaching import TOP
from adapterctl.training.adapted import adapted
from adapterctl.training.asking.likelihood import affordable, scored
from adapterctl.training.learning.batches import Ids, Progress, answer_each, padded
from adapterctl.training.learning.taught import Taught
from adapterctl.training.loading import LoadedBase
from adapterctl.training.rows.text import Example


def expected(
    base: LoadedBase,
    examples: Sequence[Example],
    *,
    adapter_dir: Path,
    batch_size: int,
    progress: Progress,
) -> list[Taught]:
    """Returns for each example the likeliest tokens at each learned one, and how likely they are.

    Each token is expected from the row's own tokens before it, never from what the teacher would
    have written there (teacher forcing). Ids that the tokenizer has no token for are no choice.
    """
    inputs = [(example.input_ids, example.loss_mask) for example in examples]

    def answer(batch: list[tuple[Ids, Ids]]) -> list[Taught]:
        return [one for part in affordable(base, batch) for one in _tops(base, part)]

    with adapted(base, adapter_dir):
        return answer_each(inputs, answer, size=batch_size, label="teacher", progress=progress)


def _tops(base: LoadedBase, batch: list[tuple[Ids, Ids]]) -> list[Taught]:
    positions = sorted({at for _, mask in batch for at in scored(mask)})
    ids, attention = padded([ids for ids, _ in batch], fill=base.pad_token_id, device=base.device)
    at = torch.tensor(positions, device=base.device)
    words = len(base.tokenizer)
    with torch.inference_mode():
        logits = (
            base.model(input_ids=ids, attention_mask=attention, logits_to_keep=at, use_cache=False)
            .logits[..., :words]
            .float()
        )
        top = logits.topk(min(TOP, words - 1), dim=-1)
        likely = (top.values - logits.logsumexp(-1, keepdim=True)).cpu()
        tokens = top.indices.cpu()
    places = {position: place for place, position in enumerate(positions)}
    own = [[places[position] for position in scored(mask)] for _, mask in batch]
    return [
        Taught(ids=tokens[row, learned].clone(), log_probabilities=likely[row, learned].clone())
        for row, learned in enumerate(own)
    ]
