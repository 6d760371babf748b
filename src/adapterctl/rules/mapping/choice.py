"""Which modules ``target_modules`` chooses, and how a choice is written down.

The first half repeats PEFT's matching on names alone, so that a plan needs no weights; tests hold
it against PEFT itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from adapterctl.records.base import LinearShape
from adapterctl.records.recipe import LoraSettings, Task
from adapterctl.rules.mapping.roles import HEAD, role_of

ALL_LINEAR = "all-linear"

_ALWAYS_SAVED = {"SEQ_CLS": ("classifier", "score"), "TOKEN_CLS": ("classifier", "score")}
"""Modules that PEFT adds to ``modules_to_save`` by task: trained in full, never given LoRA."""


def chosen(lora: LoraSettings, linears: Sequence[LinearShape], *, task: Task) -> list[str]:
    """Returns what PEFT would give LoRA, in the order of ``linears``.

    Experts are given it as parameters (``target_parameters``); all others are modules.

    Raises:
        re.error: ``target_modules`` or ``exclude_modules`` is no regular expression.
    """
    return [
        linear.name
        for linear in linears
        if _is_target(lora, linear)
        and (linear.kind == "Experts" or _is_free(lora, linear.name, task))
    ]


def _is_free(lora: LoraSettings, name: str, task: Task) -> bool:
    excluded = lora.exclude_modules and matches(lora.exclude_modules, name)
    return not excluded and not is_saved(name, lora, task=task)


def is_saved(name: str, lora: LoraSettings, *, task: Task) -> bool:
    """Whether PEFT trains a module in full, as a copy, so that it can have no LoRA."""
    saved = [*(lora.modules_to_save or ()), *_ALWAYS_SAVED.get(task, ())]
    return any(is_inside(name, module) or name.endswith(module) for module in saved)


def clashes(linears: Sequence[LinearShape], *, task: Task) -> list[str]:
    """Returns the modules that PEFT would both save and give LoRA under all-linear, and fail.

    It gives LoRA by whole name parts and saves by the end of the text: ``pre_classifier`` ends
    in ``classifier``.
    """
    saved = _ALWAYS_SAVED.get(task, ())
    return [
        linear.name
        for linear in linears
        if any(linear.name.endswith(each) for each in saved)
        and not any(is_inside(linear.name, each) for each in saved)
    ]


def is_all_linear(lora: LoraSettings) -> bool:
    """Whether ``target_modules`` is the word for all linear layers."""
    return isinstance(lora.target_modules, str) and lora.target_modules.lower() == ALL_LINEAR


def matches(wanted: str | Collection[str], name: str) -> bool:
    """Whether a regular expression (of the whole name) or a list of name endings fits ``name``."""
    if isinstance(wanted, str):
        return re.fullmatch(wanted, name) is not None
    return any(ends_with(name, ending) for ending in wanted)


def ends_with(name: str, ending: str) -> bool:
    """Whether ``ending`` is ``name`` or its last parts."""
    return name == ending or name.endswith(f".{ending}")


def is_inside(name: str, module: str) -> bool:
    """Whether ``name`` is the saved ``module`` or lies in it."""
    return re.match(rf"(^|.*\.){module}($|\..*)", name) is not None


def spell(wanted: Sequence[str], every: Iterable[str]) -> str | list[str]:
    """Returns ``target_modules`` that choose exactly ``wanted`` out of ``every``.

    The shortest name endings where they can tell the two apart; else a regular expression that
    also looks at the layer number before (BERT's ``output.dense`` ends ``attention.output.dense``
    too); else the full names.
    """
    others = sorted(set(every) - set(wanted))
    endings = {name: _shortest_ending(name, others) for name in wanted}
    if all(endings.values()):
        return sorted({ending for ending in endings.values() if ending})
    parts = {
        re.escape(ending) if ending else rf"\d+\.{re.escape(_tail(name))}"
        for name, ending in endings.items()
    }
    expression = rf"(?:.*\.)?(?:{'|'.join(sorted(parts))})"
    exact = not any(re.fullmatch(expression, other) for other in others)
    return expression if exact else sorted(wanted)


def _is_target(lora: LoraSettings, linear: LinearShape) -> bool:
    if linear.kind == "Experts":
        return matches(lora.target_parameters or (), linear.name)
    if is_all_linear(lora):
        return linear.kind in ("Linear", "Conv1D") and role_of(linear.name) != HEAD
    if isinstance(lora.target_modules, str):
        return matches(lora.target_modules, linear.name)
    if linear.name in lora.target_modules:
        return True
    return matches(lora.target_modules, linear.name) and _in_layers(lora, linear.name)


def _in_layers(lora: LoraSettings, name: str) -> bool:
    layers = lora.layers_to_transform
    if layers is None or layers == []:
        return True
    wanted = [layers] if isinstance(layers, int) else layers
    return layer_of(name, lora.layers_pattern) in wanted


def layer_of(name: str, layers_pattern: str | list[str] | None) -> int | None:
    """Returns the number of the layer that a module belongs to, as PEFT reads it."""
    given = [layers_pattern] if isinstance(layers_pattern, str) else layers_pattern
    patterns = [rf"(?:^|.*?\.){word}\." for word in given or ()] or [r".*?\.[^.]*\."]
    for pattern in patterns:
        if found := re.match(rf"{pattern}(?P<number>\d+)\.", name):
            return int(found["number"])
    return None


def _shortest_ending(name: str, others: Sequence[str]) -> str | None:
    parts = _tail(name).split(".")
    for length in range(1, len(parts) + 1):
        ending = ".".join(parts[-length:])
        if not any(ends_with(other, ending) for other in others):
            return ending
    return None


def _tail(name: str) -> str:
    """Returns what comes after the last number in a name: the same in every layer."""
    return re.split(r"(?:^|\.)\d+\.", name)[-1]
