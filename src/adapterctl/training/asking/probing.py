"""What a base with an adapter makes of single rows, from the text to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Recipe
from adapterctl.training.asking.predict import predict, questions
from adapterctl.training.loading import LoadedBase
from adapterctl.training.rows.formats import Row
from adapterctl.training.rows.text import Example, Log, encode_all


def probed(
    base: LoadedBase,
    adapter_dir: Path,
    *,
    recipe: Recipe,
    rows: Sequence[Row],
    labels: Sequence[str],
    place: str,
    log: Log,
) -> list[tuple[Example, Prediction]]:
    """Returns how each row is read, and what is answered to it, in the order of the rows.

    The same rows are answered alike whenever they are asked together: sums in floating point
    depend on what shares a batch.

    Args:
        base: loaded, bare; it is left bare.
        adapter_dir: the adapter's folder.
        recipe: its task, training and generation settings are read.
        rows: prepared rows of one set.
        labels: the training labels in the order of their ids; empty for CAUSAL_LM.
        place: the set's name, for messages.
        log: hears what is cut.

    Raises:
        Mismatch: the adapter does not fit the base.
    """
    examples = encode_all(
        rows,
        task=recipe.task,
        tokenizer=base.tokenizer,
        labels=None,
        max_length=base.longest(recipe.training.max_length),
        place=place,
    )
    asked = questions(recipe, rows, labels=labels, place=place)
    answers = predict(base, asked, adapter_dir=adapter_dir, log=log)
    return list(zip(examples, answers, strict=True))
