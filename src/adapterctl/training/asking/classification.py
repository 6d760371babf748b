"""Which label a base gives to a text, and how sure it is of each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from peft.utils.other import AuxiliaryTrainingWrapper

from adapterctl.rules.unpadded import FAMILIES
from adapterctl.training.learning.batches import Ids, Progress, answer_each, padded
from adapterctl.training.learning.halves import keeps_state
from adapterctl.training.learning.unpadded import can_unpad, unpadded
from adapterctl.training.loading import LoadedBase
from adapterctl.training.rows.text import Example

Answered = tuple[str, dict[str, float]]
"""An output and its scores, as a `Prediction` holds them."""


def classify(
    base: LoadedBase,
    examples: Sequence[Example],
    *,
    labels: Sequence[str],
    batch_size: int,
    progress: Progress,
) -> list[Answered]:
    """Returns the likeliest label of each example, and ``p:<label>`` for every label.

    The probabilities are a softmax in float64; of equal ones the first label wins. On the CPU,
    families in `rules.unpadded` are asked without padding, as they are trained.
    """
    names = [f"p:{label}" for label in labels]

    def answer(batch: list[tuple[Ids, None]]) -> list[list[float]]:
        ids, mask = padded([ids for ids, _ in batch], fill=base.pad_token_id, device=base.device)
        with torch.inference_mode():
            logits = base.model(input_ids=ids, attention_mask=mask).logits
            probabilities: list[list[float]] = logits.double().softmax(-1).tolist()
        return probabilities

    inputs = [(example.input_ids, None) for example in examples]
    with _quickest(base, {len(ids) for ids, _ in inputs}):
        answers = answer_each(
            inputs,
            answer,
            size=batch_size,
            label="labels",
            progress=progress,
            abreast=2 if _bears_threads(base) else 1,
        )
    return [(labels[row.index(max(row))], dict(zip(names, row, strict=True))) for row in answers]


def _quickest(base: LoadedBase, lengths: set[int]) -> AbstractContextManager[None]:
    """The base without padding, where there would be some, it is possible, and was measured."""
    if len(lengths) < 2:
        return nullcontext()
    modules = base.model.named_modules()
    own = [name for name, module in modules if isinstance(module, AuxiliaryTrainingWrapper)]
    if base.device == "cpu" and can_unpad(base.model, own=own):
        return unpadded(base.model, task="SEQ_CLS")
    return nullcontext()


def _bears_threads(base: LoadedBase) -> bool:
    """Whether two threads may ask a base at a time, and there are two cores for them."""
    known = base.model.config.model_type in FAMILIES and not keeps_state(base.model)
    return base.device == "cpu" and torch.get_num_threads() > 1 and known
