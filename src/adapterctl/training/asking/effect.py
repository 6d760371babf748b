"""What an adapter does to its base's answers, and whether its numbers are numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError, safe_open

from adapterctl.errors import Mismatch
from adapterctl.records.recipe import TrainingSettings
from adapterctl.rules.effects import Effect
from adapterctl.training.adapted import WEIGHTS, adapted
from adapterctl.training.asking.classification import classify
from adapterctl.training.asking.likelihood import likelihoods
from adapterctl.training.learning.batches import unseen
from adapterctl.training.loading import LoadedBase
from adapterctl.training.rows.formats import Row
from adapterctl.training.rows.text import Example, encode_all


def nonfinite(adapter_dir: Path) -> dict[str, int]:
    """Returns the tensors that hold NaN or infinity, and how many of their values are.

    Raises:
        Mismatch: the file is cut off or damaged.
    """
    path = adapter_dir / WEIGHTS
    try:
        with safe_open(path, framework="pt") as tensors:
            counts = {name: _nonfinite(tensors.get_tensor(name)) for name in tensors.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise Mismatch(
            f"the weights cannot be read: {error}",
            place=str(path),
            hint="fetch the adapter again: the file is cut off or damaged",
        ) from error
    return {name: count for name, count in sorted(counts.items()) if count}


def effect(
    base: LoadedBase,
    adapter_dir: Path,
    *,
    rows: Sequence[Row],
    labels: Sequence[str],
    settings: TrainingSettings,
    place: str,
) -> Effect:
    """Asks a base the same rows with LoRA on and with LoRA off.

    A head that the adapter brought stays on both times: an untrained one would make every adapter
    look as if it did something. CAUSAL_LM rows are read as a whole, the prompt included.

    Args:
        base: loaded, bare; it is left bare.
        adapter_dir: the adapter's folder.
        rows: prepared rows.
        labels: the training labels in the order of their ids; empty for CAUSAL_LM.
        settings: ``max_length`` and ``per_device_eval_batch_size`` are read.
        place: where the rows are from, for messages.

    Raises:
        Mismatch: the adapter does not fit the base.
    """
    examples = encode_all(
        rows,
        task=base.task,
        tokenizer=base.tokenizer,
        labels=None,
        max_length=base.longest(settings.max_length),
        place=place,
    )
    size = settings.per_device_eval_batch_size
    with adapted(base, adapter_dir):
        on = _scores(base, examples, labels=labels, size=size)
        for layer in base.model.modules():
            if isinstance(layer, BaseTunerLayer):
                layer.enable_adapters(enabled=False)
        off = _scores(base, examples, labels=labels, size=size)
    apart = [
        max(abs(a - b) for a, b in zip(one, other, strict=True))
        for one, other in zip(on, off, strict=True)
    ]
    return Effect(
        rows=len(apart),
        changed=sum(distance != 0 for distance in apart),
        largest=max(apart, default=0.0),
    )


def _nonfinite(tensor: Any) -> int:
    # Eight-bit floats know no isfinite.
    wide = tensor.float() if tensor.is_floating_point() else tensor
    return int((~torch.isfinite(wide)).sum())


def _scores(
    base: LoadedBase, examples: Sequence[Example], *, labels: Sequence[str], size: int
) -> list[list[float]]:
    if base.task == "SEQ_CLS":
        found = classify(base, examples, labels=labels, batch_size=size, progress=unseen)
        return [list(scores.values()) for _, scores in found]
    whole = [
        msgspec.structs.replace(example, loss_mask=(1,) * len(example.input_ids))
        for example in examples
    ]
    return [[nll] for nll in likelihoods(base, whole, batch_size=size, progress=unseen)]
