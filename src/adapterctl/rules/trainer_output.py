"""What a trainer command left behind, read: which LoRA it really trained, and what it tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from adapterctl.records.noun import Noun
from adapterctl.records.recipe import LoraSettings, Recipe
from adapterctl.records.run import Departure
from adapterctl.rules.as_used import as_used, lora_of

_PREFIX = "base_model.model."
_PAIRS = (".lora_A.weight", ".lora_embedding_A")

_STEP = re.compile(r"(?<![\w./])(\d{1,9})/(\d{1,9})(?![\w./])")


class Progress(Noun, frozen=True, kw_only=True):
    """What a trainer tells of its run; ``None`` where it is silent."""

    steps: int | None = None
    epochs: float | None = None
    tokens: int | None = None
    first_loss: float | None = None
    last_loss: float | None = None


def targets_in(names: Iterable[str]) -> list[str]:
    """Returns the modules that have a low-rank pair, by the tensor names of an adapter's file."""
    found = {
        name.removeprefix(_PREFIX).removesuffix(pair)
        for name in names
        for pair in _PAIRS
        if name.endswith(pair)
    }
    return sorted(found)


def departures(
    recipe: Recipe, config: Mapping[str, Any], *, used: Sequence[str], intended: Sequence[str]
) -> list[Departure]:
    """Returns where an adapter is not the one that the recipe's LoRA settings describe.

    Args:
        recipe: as its author wrote it.
        config: ``adapter_config.json``.
        used: the modules that have LoRA.
        intended: those that the recipe's settings choose on this base.
    """
    lora = lora_of(config, recipe, used=used, intended=intended)
    return as_used(recipe, training={}, lora=lora, replicas=1).departures


def corrected(recipe: Recipe, found: Sequence[Departure]) -> Recipe:
    """Returns the recipe as it was used."""
    lora = msgspec.to_builtins(recipe.lora)
    lora |= {each.path.removeprefix("lora."): each.used for each in found}
    return msgspec.structs.replace(recipe, lora=msgspec.convert(lora, LoraSettings))


def step_in(line: str) -> tuple[int, int]:
    """Returns how far a line says that training is, as tqdm says it: ``3/10``; else 0 of 1.

    The last step is not the end: saving comes after it.
    """
    for done, total in _STEP.findall(line):
        if int(total) > 0 and int(done) <= int(total):
            return min(int(done), int(total) - 1), int(total)
    return 0, 1


def progress_in(state: Mapping[str, Any]) -> Progress:
    """Returns what ``trainer_state.json``, as ``transformers.Trainer`` saves it, tells of a run."""
    history = state.get("log_history")
    entries = history if isinstance(history, list) else []
    losses = [entry["loss"] for entry in entries if isinstance(entry, dict) and "loss" in entry]
    numbers = [float(loss) for loss in losses if isinstance(loss, int | float)]
    tokens, epochs = state.get("num_input_tokens_seen"), state.get("epoch")
    steps = state.get("global_step")
    return Progress(
        steps=steps if isinstance(steps, int) else None,
        epochs=float(epochs) if isinstance(epochs, int | float) else None,
        # transformers counts them only when it is told to, and says 0 when it is not.
        tokens=tokens if isinstance(tokens, int) and tokens > 0 else None,
        first_loss=numbers[0] if numbers else None,
        last_loss=numbers[-1] if numbers else None,
    )
