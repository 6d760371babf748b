"""Bases held in 4 bits (QLoRA), through bitsandbytes where it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import torch

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records.recipe import TrainingSettings

PACKAGE = "bitsandbytes"
_PLACE = "training.load_in_4bit"


def installed() -> bool:
    """Whether bitsandbytes can be imported; it is not."""
    return importlib.util.find_spec(PACKAGE) is not None


def quantization_problems(
    training: TrainingSettings, *, device: str | None, available: bool
) -> Iterator[Problem]:
    """Yields why a base cannot be held in 4 bits here.

    Args:
        device: where it would be trained, if that is known.
        available: whether bitsandbytes is there.
    """
    if not training.load_in_4bit or device is None:
        return
    if not available:
        yield Problem(
            place=_PLACE,
            what=f"{PACKAGE} is not installed, and holds bases in 4 bits",
            hint="pip install 'adapterctl[qlora]', or load_in_4bit: false",
        )
    if device.partition(":")[0] != "cuda":
        yield Problem(
            place=_PLACE,
            what=f"4 bits need a CUDA GPU, and this would train on {device}",
            hint="train on a machine with one, or load_in_4bit: false",
        )


def plainness_problems(training: TrainingSettings, *, plain: bool) -> Iterator[Problem]:
    """Yields why an adapter cannot be trained on 4 bits: PEFT's own layers may change the base.

    Args:
        plain: whether slots train the adapter; see `twin.Reading`.
    """
    if training.load_in_4bit and not plain:
        yield Problem(
            place=_PLACE,
            what="on a base in 4 bits only plain LoRA is trained",
            hint="load_in_4bit: false, or LoRA without DoRA, biases and other starts",
        )


def in_words(training: TrainingSettings) -> str:
    """Returns how a base is held, for those that share it: nothing, ``nf4``, ``nf4 twice``."""
    if not training.load_in_4bit:
        return ""
    return training.bnb_4bit_quant_type + " twice" * training.bnb_4bit_use_double_quant


def check_whole(name: str, parts: dict[str, torch.Tensor], *, like: torch.nn.Module) -> None:
    """Refuses to train whole what the base holds in fewer bits: its weights are packed.

    Raises:
        InvalidInput: a part has another shape than the module's own.
    """
    if any(parts[part].shape != tensor.shape for part, tensor in like.state_dict().items()):
        raise InvalidInput.one(
            f"{name} is held in 4 bits, and cannot be trained whole",
            place="lora.modules_to_save",
            hint="give it LoRA instead (target_modules), or load_in_4bit: false",
        )


def quantization_config(training: TrainingSettings) -> Any:
    """Returns transformers' ``BitsAndBytesConfig``, or ``None`` for a base as it is.

    What is computed is computed in bfloat16 with ``bf16``, else in float32.
    """
    if not training.load_in_4bit:
        return None
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=training.bnb_4bit_quant_type,
        bnb_4bit_use_double_quant=training.bnb_4bit_use_double_quant,
        bnb_4bit_compute_dtype="bfloat16" if training.bf16 else "float32",
    )
