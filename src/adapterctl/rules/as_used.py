"""A recipe as a run of another trainer really used it, and where that departs from the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from adapterctl.records.noun import Noun
from adapterctl.records.recipe import LoraSettings, Recipe, TrainingSettings
from adapterctl.records.run import Departure

OF_NO_CONSEQUENCE = frozenset(
    {"gradient_checkpointing", "logging_steps", "per_device_eval_batch_size", "save_steps"}
)
"""Settings of a recipe that change no byte of an adapter: what a run used of them is not asked."""

_SAME: tuple[Any, ...] = (None, False, [], {}, "")
"""Ways to say that nothing is set."""


S = TypeVar("S", TrainingSettings, LoraSettings)


class AsUsed(Noun, frozen=True, kw_only=True):
    """What became of a recipe: as used, its departures, and what no recipe has a word for."""

    recipe: Recipe
    departures: list[Departure]
    unsaid: dict[str, Any]


def as_used(
    recipe: Recipe, *, training: Mapping[str, Any], lora: Mapping[str, Any], replicas: int
) -> AsUsed:
    """Returns the recipe with a run's own settings in the place of its own.

    Args:
        recipe: as its author wrote it.
        training: arguments of the run, under ``transformers.TrainingArguments``' names; those of
            other names are left to the caller.
        lora: of its ``peft.LoraConfig``.
        replicas: processes times devices that each took batches: a recipe says it as accumulation.
    """
    asked = dict(training)
    if "gradient_accumulation_steps" in asked:
        asked["gradient_accumulation_steps"] *= replicas
    settings, unsaid = _merged(recipe.training, asked, under="training")
    adapter, unsaid_lora = _merged(recipe.lora, lora, under="lora")
    departures = [
        *_departures(recipe.training, settings, under="training"),
        *_departures(recipe.lora, adapter, under="lora"),
    ]
    used = msgspec.structs.replace(recipe, training=settings, lora=adapter)
    return AsUsed(recipe=used, departures=departures, unsaid=unsaid | unsaid_lora)


def _merged(settings: S, used: Mapping[str, Any], *, under: str) -> tuple[S, dict[str, Any]]:
    """Returns the settings with every value that a recipe can express, and the other values."""
    facts, unsaid = msgspec.to_builtins(settings), {}
    for name in settings.__struct_fields__:
        if name not in used or name in OF_NO_CONSEQUENCE:
            continue
        if used[name] == facts[name] or (used[name] in _SAME and facts[name] in _SAME):
            continue
        try:
            msgspec.convert({**facts, name: used[name]}, type(settings))
        except msgspec.ValidationError:
            unsaid[f"{under}.{name}"] = used[name]
        else:
            facts[name] = used[name]
    return msgspec.convert(facts, type(settings)), unsaid


def _departures(before: Any, after: Any, *, under: str) -> Iterator[Departure]:
    said, used = msgspec.to_builtins(before), msgspec.to_builtins(after)
    for name, value in said.items():
        if used[name] != value:
            yield Departure(path=f"{under}.{name}", recipe=value, used=used[name])
