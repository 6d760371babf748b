"""Every LoRA setting carried to the successor; `map_targets` is the whole answer.

Settings that name modules, layers or tokens of the old base are translated or block. The others
(rank, alpha, dropout, bias, rsLoRA, DoRA) say nothing about a base and are carried as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.choice import chosen, clashes, is_inside, spell
from adapterctl.rules.mapping.experts import as_parameters
from adapterctl.rules.mapping.placing import place, target_modules
from adapterctl.rules.mapping.roles import HEAD, HEAD_DENSE, role_of
from adapterctl.rules.mapping.targets import (
    OTHER,
    Blocker,
    Finding,
    Placed,
    Question,
    RoleMap,
    RoleMatch,
    entry,
    groups,
    mend_in_role_map,
    roles_of,
)

_HEADS = ("classifier", "score")
"""Heads that PEFT saves by itself, under either name."""

_ANOTHER_RECIPE = "write a recipe for the successor with its own names: adapterctl new NAME"

_OF_ONE_BASE = {
    "trainable_token_indices": "its tokens are the old vocabulary's",
    "alora_invocation_tokens": "its tokens are the old vocabulary's",
    "layer_replication": "it counts layers of the old base",
}
_FROM_THE_WEIGHTS = ("loftq_config", "eva_config", "corda_config")


def map_targets(question: Question) -> RoleMap:
    """Returns the LoRA settings for the successor, with every change said and every doubt named."""
    found = place(question)
    placed = [finding for finding in found if isinstance(finding, Placed)]
    settings: dict[str, Any] = {}
    for finding in _carried(question, placed) if placed else ():
        if isinstance(finding, dict):
            settings |= finding
        else:
            found.append(finding)
    return RoleMap(
        lora=msgspec.structs.replace(question.lora, **settings),
        matches=_matches(question, placed),
        notes=[finding for finding in found if isinstance(finding, str)],
        blockers=[finding for finding in found if isinstance(finding, Blocker)],
    )


def _matches(question: Question, placed: Sequence[Placed]) -> list[RoleMatch]:
    before = question.old.linears if question.old else ()
    return [
        RoleMatch(
            role=placement.role,
            old=groups(placement.old, before),
            new=groups(placement.new, question.new.linears),
            how=placement.how,
        )
        for placement in placed
    ]


def _carried(question: Question, placed: Sequence[Placed]) -> Iterator[Finding | dict[str, Any]]:
    """Yields settings to change, with the notes and blockers that go with them."""
    lora = question.lora
    yield {"target_modules": target_modules(question, placed)}
    yield from as_parameters(question, placed, another_recipe=_ANOTHER_RECIPE)
    yield from _of_one_base(lora)
    yield from _saved(question)
    for name in ("rank_pattern", "alpha_pattern"):
        yield from _pattern(question, placed, name)
    yield from _layers(question, placed)
    if question.stays_all_linear:
        yield from _without_clashes(question)
    elif lora.exclude_modules:
        yield {"exclude_modules": None}
        yield "exclude_modules named modules of the old base; target_modules leaves them out now"
    if lora.fan_in_fan_out is not None:
        yield {"fan_in_fan_out": None}
        yield "fan_in_fan_out is left to the kind of each layer on the successor"
    if any(getattr(lora, name) for name in _FROM_THE_WEIGHTS):
        yield "the adapter's initial weights are computed anew from the successor's"


def _without_clashes(question: Question) -> Iterator[Finding | dict[str, Any]]:
    if names := clashes(question.new.linears, task=question.recipe.task):
        yield {"exclude_modules": names}
        yield f"{', '.join(names)} is part of the successor's head: trained in full, without LoRA"


def _of_one_base(lora: LoraSettings) -> Iterator[Blocker]:
    for name, why in _OF_ONE_BASE.items():
        if getattr(lora, name):
            yield Blocker(what=f"lora.{name} cannot be carried: {why}", mend=_ANOTHER_RECIPE)


def _saved(question: Question) -> Iterator[Finding | dict[str, Any]]:
    """Translates ``modules_to_save``: a head becomes the successor's head, all else blocks."""
    before = question.lora.modules_to_save or []
    kept = list(question.must_save)
    for module in before:
        roles = _roles_inside(question, module)
        if module not in _HEADS and not roles <= {HEAD, HEAD_DENSE}:
            yield Blocker(
                what=f"lora.modules_to_save: {module!r} is trained in full on the old base and is "
                "no head",
                mend=_ANOTHER_RECIPE,
            )
        kept.extend(_heads(question) if module in _HEADS or HEAD in roles else ())
        kept.extend(_with_role(question, HEAD_DENSE) if HEAD_DENSE in roles else ())
    after = sorted(set(kept))
    yield {"modules_to_save": after or None}
    heads = question.unknown_heads
    if absent := [name for name in question.must_save if name not in heads]:
        yield (
            f"the successor has no weights for {', '.join(absent)}: trained in full beside the head"
        )
    if heads:
        yield f"PEFT does not know the head {', '.join(heads)} by name: modules_to_save names it"
    elif not absent and after != sorted(before):
        yield f"modules_to_save {', '.join(before)} becomes {', '.join(after) or 'empty'}"


def _roles_inside(question: Question, module: str) -> set[str | None]:
    known = question.old.linears if question.old else ()
    inside = {role_of(linear.name) for linear in known if is_inside(linear.name, module)}
    return inside or {role_of(module)}


def _heads(question: Question) -> list[str]:
    heads = _with_role(question, HEAD)
    if question.recipe.task == "CAUSAL_LM":
        return heads
    return [name.split(".", 1)[0] for name in heads]


def _with_role(question: Question, role: str) -> list[str]:
    return [linear.name for linear in question.new.linears if role_of(linear.name) == role]


def _pattern(
    question: Question, placed: Sequence[Placed], name: str
) -> Iterator[Finding | dict[str, Any]]:
    """Translates ``rank_pattern`` or ``alpha_pattern``, whose keys end module names."""
    pattern: Mapping[str, float] = getattr(question.lora, name)
    if not pattern:
        return
    carried: dict[str, float] = {}
    for placement in placed:
        values = {_value(pattern, module) for module in placement.old}
        if len(values) > 1:
            yield _mixed(name, placement.role)
        for ending in _endings(question, placement.new) if len(values) == 1 else ():
            value = next(iter(values))
            if value is not None and carried.setdefault(ending, value) != value:
                yield _mixed(name, ending)
    yield {name: carried}
    yield f"{name} names the successor's modules now: {_spelled(carried)}"


def _value(pattern: Mapping[str, float], module: str) -> float | None:
    """Returns what the pattern says of a module, as PEFT reads it: the first key that fits."""
    fits = (key for key in pattern if re.match(rf"(.*\.)?({key})$", module))
    return next((pattern[key] for key in fits), None)


def _endings(question: Question, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    spelled = spell(names, [linear.name for linear in question.new.linears])
    return [spelled] if isinstance(spelled, str) else [re.escape(ending) for ending in spelled]


def _mixed(name: str, where: str) -> Blocker:
    return Blocker(what=f"lora.{name} gives {where} more than one value", mend=_ANOTHER_RECIPE)


def _spelled(pattern: Mapping[str, float]) -> str:
    return ", ".join(f"{key}: {value:g}" for key, value in pattern.items()) or "none of them"


def _layers(question: Question, placed: Sequence[Placed]) -> Iterator[Finding | dict[str, Any]]:
    if not _restricted(question.lora):
        return
    if all(placement.how.endswith("as role_map says") for placement in placed):
        yield {"layers_to_transform": None, "layers_pattern": None}
        yield "layers_to_transform is left out: role_map names the modules"
    elif question.old is None or question.old.layers != question.new.layers:
        before = question.old.layers if question.old else "an unknown number of"
        every = ", ".join(
            entry(placement.role, [role for role in roles_of(placement.new) if role != OTHER])
            for placement in placed
        )
        some = ", ".join(f"{placement.role}: [NAME, ...]" for placement in placed)
        yield Blocker(
            what=f"lora.layers_to_transform counts {before} layers, and the successor has "
            f"{question.new.layers}",
            mend=f"{mend_in_role_map(every)} to adapt every layer, or {{{some}}} with the "
            "successor's modules",
        )
    else:
        yield {"layers_pattern": None}
        yield from _written_out(question, placed)
        yield f"layers_to_transform is carried: both have {question.new.layers} layers"


def _restricted(lora: LoraSettings) -> bool:
    return lora.layers_to_transform is not None and lora.layers_to_transform != []


def _written_out(question: Question, placed: Sequence[Placed]) -> Iterator[dict[str, Any]]:
    """Names modules in full where only an expression is exact: PEFT takes layers or expressions."""
    if not isinstance(target_modules(question, placed), str) or question.stays_all_linear:
        return
    new = [name for placement in placed for name in placement.new]
    endings = sorted({name.rsplit(".", 1)[-1] for name in new})
    inside = msgspec.structs.replace(
        question.lora, target_modules=endings, target_parameters=None, layers_pattern=None
    )
    here = set(chosen(inside, question.new.linears, task=question.recipe.task)) & set(new)
    yield {"target_modules": sorted(here), "layers_to_transform": None}
