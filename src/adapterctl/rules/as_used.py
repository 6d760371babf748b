"""A recipe as a run of another trainer really used it, and where that departs from the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from adapterctl.records.noun import Noun
from adapterctl.records.recipe import LoraSettings, Recipe, TrainingSettings
from adapterctl.records.run import Departure

OF_NO_CONSEQUENCE = frozenset(
    {"gradient_checkpointing", "logging_steps", "per_device_eval_batch_size", "save_steps"}
)
"""Settings of a recipe that change no byte of an adapter: what a run used of them is not asked."""

_UNSET: tuple[Any, ...] = (None, False, [], {}, "")
"""Ways to say that nothing is set."""

_SAVED_BY_PEFT = {"SEQ_CLS": ("classifier", "score"), "TOKEN_CLS": ("classifier", "score")}
"""PEFT adds these to ``modules_to_save`` by itself, whatever the head is called."""


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


def said(departure: Departure) -> str:
    """Returns words for a departure."""
    return (
        f"{departure.path}: the run used {departure.used!r}, the recipe says {departure.recipe!r}"
    )


def lora_of(
    config: Mapping[str, Any], recipe: Recipe, *, used: Sequence[str], intended: Sequence[str]
) -> dict[str, Any]:
    """Returns the LoRA settings of an adapter's config that a recipe has words for.

    Args:
        config: as PEFT writes it, or holds it.
        recipe: as its author wrote it.
        used: the modules that have LoRA.
        intended: those that the recipe's settings choose on this base; where they are the same,
            the recipe's own words for them are kept.
    """
    lora = {name: config[name] for name in LoraSettings.__struct_fields__ if name in config}
    if sorted(used) == sorted(intended):
        lora["target_modules"] = recipe.lora.target_modules
        lora.pop("exclude_modules", None)
    saved, by_itself = config.get("modules_to_save") or (), _SAVED_BY_PEFT.get(recipe.task, ())
    lora["modules_to_save"] = sorted(name for name in saved if name not in by_itself) or None
    return lora


def _merged(settings: S, used: Mapping[str, Any], *, under: str) -> tuple[S, dict[str, Any]]:
    """Returns the settings with every value that a recipe can express, and the other values."""
    facts, unsaid = msgspec.to_builtins(settings), {}
    for name in settings.__struct_fields__:
        if name not in used or name in OF_NO_CONSEQUENCE:
            continue
        if _same(used[name], facts[name]):
            continue
        try:
            msgspec.convert({**facts, name: used[name]}, type(settings))
        except msgspec.ValidationError:
            unsaid[f"{under}.{name}"] = used[name]
        else:
            facts[name] = used[name]
    return msgspec.convert(facts, type(settings)), unsaid


def _same(one: Any, other: Any) -> bool:
    """Whether two values mean the same: PEFT keeps its lists of names in chance order."""
    if one == other or (one in _UNSET and other in _UNSET):
        return True
    if not isinstance(one, list) or not isinstance(other, list):
        return False
    return sorted(map(str, one)) == sorted(map(str, other))


def _departures(before: Any, after: Any, *, under: str) -> Iterator[Departure]:
    said, used = msgspec.to_builtins(before), msgspec.to_builtins(after)
    for name, value in said.items():
        if used[name] != value:
            yield Departure(path=f"{under}.{name}", recipe=value, used=used[name])
