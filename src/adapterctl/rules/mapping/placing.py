"""Where each module of the old adapter goes on the successor; nothing is dropped in silence.

Every module finds its place by role, or is said to be left out, or blocks with what to write into
``role_map``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

import msgspec

from adapterctl.records.base import BaseShape
from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.choice import chosen, ends_with, is_all_linear, is_saved, spell
from adapterctl.rules.mapping.overrides import linear_roles, overridden
from adapterctl.rules.mapping.roles import HEAD_DENSE, by_role, is_mixture, parts_of
from adapterctl.rules.mapping.targets import (
    OTHER,
    Blocker,
    Finding,
    Placed,
    Question,
    groups,
    mend_in_role_map,
    roles_of,
)

_ATTENTION_ALONE = "mlp.gate: [], mlp.up: [], mlp.down: []"


def place(question: Question) -> list[Finding]:
    """Returns where every module of the old adapter goes; each finding once."""
    try:
        asked = question.asked()
    except re.error as error:
        what = f"lora.target_modules is no regular expression: {error}"
        return [Blocker(what=what, mend="register a recipe with a list of module names")]
    if not asked:
        return [
            Blocker(
                what="lora.target_modules chooses no module that is known of the old base",
                mend="put the old base's folder back, or register a recipe for the successor",
            )
        ]
    if question.stays_all_linear:
        return list(_all_linear(question, asked))
    written = list(overridden(question, asked))
    done = {name for found in written if isinstance(found, Placed) for name in found.old}
    rest = [name for name in asked if name not in done]
    return list(
        dict.fromkeys([*written, *_partial(question, rest, done), *_by_role(question, rest)])
    )


def target_modules(question: Question, placed: Iterable[Placed]) -> str | list[str]:
    """Returns ``target_modules`` for the successor, as they were written when they still fit."""
    if question.stays_all_linear:
        return question.lora.target_modules
    every = [linear.name for linear in question.new.linears]
    new = {name for placement in placed for name in placement.new}
    wanted = [name for name in every if name in new]
    fits = _fits(question, every) and wanted == _chosen_as_written(question)
    return question.lora.target_modules if fits else spell(wanted, every)


def _fits(question: Question, every: Sequence[str]) -> bool:
    """Whether each written name means something on the successor."""
    written = question.lora.target_modules
    if isinstance(written, str):
        return not is_all_linear(question.lora)
    return all(any(ends_with(name, ending) for name in every) for ending in written)


def _chosen_as_written(question: Question) -> list[str]:
    everywhere = msgspec.structs.replace(question.lora, layers_to_transform=None)
    return chosen(everywhere, question.new.linears, task=question.recipe.task)


def endings(base: BaseShape, names: Iterable[str]) -> str:
    """Returns the shortest endings of ``names`` that are theirs alone, for a message."""
    wanted = list(names)
    spelled = spell(wanted, [linear.name for linear in base.linears])
    return spelled if isinstance(spelled, str) else ", ".join(spelled)


def _all_linear(question: Question, asked: Sequence[str]) -> Iterator[Finding]:
    if is_mixture(question.new.linears) or (question.old and is_mixture(question.old.linears)):
        yield Blocker(
            what="all-linear does not mean the same modules on a mixture of experts",
            mend=f"{mend_in_role_map(_ATTENTION_ALONE)} to adapt the attention alone",
        )
    saving = msgspec.structs.replace(question.lora, modules_to_save=question.must_save)
    new = chosen(saving, question.new.linears, task=question.recipe.task)
    before, after = roles_of(asked), roles_of(new)
    for role in dict.fromkeys([*before, *after]):
        old_side, new_side = tuple(before.get(role, ())), tuple(after.get(role, ()))
        yield Placed(role=role, old=old_side, new=new_side, how="all-linear")


def _partial(question: Question, asked: Sequence[str], done: Set[str]) -> Iterator[Blocker]:
    """Blocks a choice inside one role: which of the successor's modules would it mean?"""
    if question.old is None:
        return
    everything = msgspec.structs.replace(
        question.lora, target_modules=r".*", exclude_modules=None, layers_to_transform=None
    )
    possible = chosen(everything, question.old.linears, task=question.recipe.task)
    every = roles_of(name for name in possible if name not in done)
    for role, names in roles_of(asked).items():
        if role != OTHER and len(names) < len(every[role]):
            yield Blocker(
                what=f"the old adapter stands on {len(names)} of {len(every[role])} modules "
                f"of {role}; which of the successor's these mean is not clear",
                mend=f"{mend_in_role_map(f'{role}: [NAME, ...]')} with the successor's modules",
            )


@dataclass(frozen=True, kw_only=True)
class _Homes:
    """Where roles can go on the successor.

    Attributes:
        available: its roles, with their modules.
        asked: the roles that the old adapter stands on, fused ones taken apart.
        known: the roles that the old base has at all; ``None`` when it is not here.
    """

    new: BaseShape
    available: dict[str, tuple[str, ...]]
    asked: frozenset[str]
    known: frozenset[str] | None

    def home(self, part: str) -> str | None:
        """Returns the role for an unfused one: itself, or the one that it is fused into."""
        if part in self.available:
            return part
        return next((role for role in self.available if part in parts_of(role)), None)

    def strangers(self, home: str) -> list[str]:
        """Returns what ``home`` would adapt besides, that the old base had and left alone."""
        return [
            part
            for part in parts_of(home)
            if part not in self.asked and (self.known is None or part in self.known)
        ]

    def asked_of(self, home: str) -> list[str]:
        """Returns the parts of ``home`` that the old adapter stands on."""
        return [part for part in parts_of(home) if part in self.asked]

    def called(self, *roles: str) -> str:
        """Returns what the successor calls the modules of ``roles``."""
        return endings(self.new, [name for role in roles for name in self.available[role]])


def _by_role(question: Question, names: Sequence[str]) -> Iterator[Finding]:
    by_old = roles_of(names)
    homes = _Homes(
        new=question.new,
        available=_available(question),
        asked=frozenset(part for role in by_old for part in parts_of(role)),
        known=_parts_in(question.old),
    )
    for role, old in by_old.items():
        if role == OTHER:
            yield from (_without_role(group.pattern) for group in groups(old, ()))
        else:
            yield from _settled(homes, role, tuple(old))
    if "mlp.up" in homes.asked and homes.known and "mlp.gate" not in homes.known:
        yield from _new_gate(homes)


def _available(question: Question) -> dict[str, tuple[str, ...]]:
    saving = LoraSettings(modules_to_save=question.must_save)
    free = [
        linear
        for linear in question.new.linears
        if linear.kind != "Experts" and not is_saved(linear.name, saving, task=question.recipe.task)
    ]
    return {role: tuple(names) for role, names in by_role(free).items() if role}


def _parts_in(base: BaseShape | None) -> frozenset[str] | None:
    if base is None:
        return None
    return frozenset(part for role in by_role(base.linears) if role for part in parts_of(role))


def _settled(homes: _Homes, role: str, old: tuple[str, ...]) -> Iterator[Finding]:
    if role in homes.available:
        yield Placed(role=role, old=old, new=homes.available[role], how="same role")
        return
    found: list[str] = []
    how = "left out"
    for part in parts_of(role):
        home = homes.home(part)
        if home is None:
            problem = _homeless(homes, part)
        elif homes.strangers(home):
            problem = _ambiguous(homes, home)
        else:
            found.append(home)
            continue
        how = "blocks" if isinstance(problem, Blocker) else how
        yield problem
    found = list(dict.fromkeys(found))
    new = tuple(name for home in found for name in homes.available[home])
    how = f"becomes {' + '.join(found)}" if found else how
    yield Placed(role=role, old=old, new=new, how=how)
    yield from (_regrouped(homes, role, home) for home in found)


def _regrouped(homes: _Homes, role: str, home: str) -> str:
    if len(parts_of(home)) > 1:
        return (
            f"{_listed(homes.asked_of(home))} share one layer on the successor "
            f"({homes.called(home)}): one rank for all of them"
        )
    return f"{role} was one fused layer; {home} ({homes.called(home)}) now has a rank of its own"


def _homeless(homes: _Homes, part: str) -> Finding:
    if part == HEAD_DENSE:
        return (
            "head.dense, the dense layer of the old head, has no counterpart: the successor's "
            "head is trained in full"
        )
    if part == "mlp.gate" and "mlp.up" in homes.asked and homes.home("mlp.up"):
        return (
            "the successor's MLP has no gate: mlp.gate is left out, and mlp.up "
            f"({homes.called(homes.home('mlp.up') or '')}) carries the MLP's input alone"
        )
    if part.startswith("mlp.") and is_mixture(homes.new.linears):
        return Blocker(
            what=f"{part}: the successor's MLPs are experts, which target_modules do not reach",
            mend=f"{mend_in_role_map(_ATTENTION_ALONE)} to adapt the attention alone",
        )
    return Blocker(
        what=f"the successor has no {part}",
        mend=f"{mend_in_role_map(f'{part}: [ROLE]')} with one of its roles "
        f"({', '.join(linear_roles(homes.new))}), or {part}: [] to leave it out",
    )


def _ambiguous(homes: _Homes, home: str) -> Blocker:
    asked = homes.asked_of(home)
    whole = ", ".join(f"{part}: {home}" for part in asked)
    without = ", ".join(f"{part}: []" for part in asked)
    return Blocker(
        what=f"the successor fuses {_listed(parts_of(home))} into one layer "
        f"({homes.called(home)}), and the old adapter stands on {_listed(asked)} alone",
        mend=f"{mend_in_role_map(whole)} to adapt the whole layer, or {{{without}}} to leave "
        "it out",
    )


def _new_gate(homes: _Homes) -> Iterator[str]:
    if "mlp.gate" in homes.available:
        yield (
            f"the successor's MLP has a gate ({homes.called('mlp.gate')}) and the old one has "
            "none: it stays without LoRA; role_map: {mlp.up: [mlp.up, mlp.gate]} adapts it too"
        )


def _without_role(pattern: str) -> Blocker:
    ending = pattern.rsplit(".", 1)[-1]
    return Blocker(
        what=f"{pattern} has no known role",
        mend=f"{mend_in_role_map(f'{ending}: [ROLE]')} with a role or module of the successor, "
        f"or {ending}: [] to leave it out",
    )


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
