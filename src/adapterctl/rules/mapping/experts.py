"""Experts of a mixture: tensors and no modules, which PEFT reaches as ``target_parameters``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from adapterctl.rules.mapping.choice import ends_with, layer_of
from adapterctl.rules.mapping.roles import EXPERTS, role_of
from adapterctl.rules.mapping.targets import (
    Blocker,
    Finding,
    Placed,
    Question,
    entry,
    mend_in_role_map,
)


def as_parameters(
    question: Question, placed: Sequence[Placed], *, another_recipe: str
) -> Iterator[Finding | dict[str, Any]]:
    """Yields ``target_parameters`` for the experts among what was placed, and what goes with them.

    Args:
        another_recipe: what to do about parameters that have no role.
    """
    yield from _strangers(question, another_recipe)
    wanted = _wanted(question, placed)
    if wanted or question.lora.target_parameters:
        yield {"target_parameters": _spelled(question, wanted) or None}
    if not wanted:
        return
    yield (
        f"{', '.join(_spelled(question, wanted))}: one tensor for all experts of a layer, adapted "
        "through target_parameters: lora.r counts once for every expert"
    )
    if question.lora.lora_dropout:
        yield {"lora_dropout": 0.0}
        yield (
            f"lora_dropout {question.lora.lora_dropout:g} becomes 0: PEFT has none in front of "
            "experts"
        )
    yield from _out_of_reach(question, placed)


def _strangers(question: Question, another_recipe: str) -> Iterator[Blocker]:
    known = (
        [linear.name for linear in question.old.linears if linear.kind == "Experts"]
        if (question.old)
        else [*question.recorded]
    )
    for name in question.lora.target_parameters or ():
        if not any(ends_with(each, name) for each in known):
            yield Blocker(
                what=f"lora.target_parameters: {name!r} is a parameter of the old base without a "
                "known role",
                mend=another_recipe,
            )


def _wanted(question: Question, placed: Sequence[Placed]) -> list[str]:
    experts = {linear.name for linear in question.new.linears if linear.kind == "Experts"}
    found = [name for placement in placed for name in placement.new if name in experts]
    layers = question.lora.layers_to_transform
    if layers is None or layers == []:
        return found
    chosen = [layers] if isinstance(layers, int) else layers
    return [name for name in found if layer_of(name, None) in chosen]


def _spelled(question: Question, wanted: Sequence[str]) -> list[str]:
    """Returns ``experts.down_proj`` where all of a role is meant, else names in full."""
    found: dict[str, None] = {}
    for name in wanted:
        role = role_of(name)
        every = {linear.name for linear in question.new.linears if role_of(linear.name) == role}
        whole = every <= set(wanted)
        found[".".join(name.split(".")[-2:]) if whole else name] = None
    return sorted(found)


def _out_of_reach(question: Question, placed: Sequence[Placed]) -> Iterator[Blocker]:
    for field in ("use_dora", "lora_bias"):
        if getattr(question.lora, field):
            roles = [
                p.role for p in placed if any((role_of(n) or "").startswith(EXPERTS) for n in p.new)
            ]
            left_out = ", ".join(entry(role, ()) for role in roles)
            yield Blocker(
                what=f"lora.{field}: PEFT has it for modules only, and not for experts",
                mend=f"{mend_in_role_map(left_out)} to leave the experts out",
            )
