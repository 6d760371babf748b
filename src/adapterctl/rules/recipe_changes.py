"""What is different between two recipes of one adapter."""

from __future__ import annotations

from typing import Any

import msgspec

from adapterctl.records.recipe import Recipe


def recipe_changes(old: Recipe, new: Recipe) -> dict[str, list[Any]]:
    """Returns dotted field to ``[old, new]`` for every field of a recipe that differs."""
    before, after = _flat(old), _flat(new)
    return {path: [before[path], after[path]] for path in before if before[path] != after[path]}


def _flat(recipe: Recipe) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(recipe)
    nested = {
        f"{part}.{name}": value
        for part in ("lora", "training")
        for name, value in plain.pop(part).items()
    }
    return plain | nested
