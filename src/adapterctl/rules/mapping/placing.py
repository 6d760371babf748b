"""Where each module of the old adapter goes on the successor; nothing is dropped in silence.

Every module finds its place by role, or is said to be left out, or blocks with what to write into
``role_map``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set

import msgspec

from adapterctl.rules.mapping.choice import chosen, ends_with, is_all_linear, spell
from adapterctl.rules.mapping.homes import Homes, homes, listed
from adapterctl.rules.mapping.overrides import linear_roles, overridden
from adapterctl.rules.mapping.roles import HEAD_DENSE, is_mixture, parts_of
from adapterctl.rules.mapping.targets import (
    OTHER,
    Blocker,
    Finding,
    Placed,
    Question,
    entry,
    groups,
    mend_in_role_map,
    roles_of,
)


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
    found = [*written, *_partial(question, rest, done), *_by_role(question, rest)]
    return list(dict.fromkeys([*found, *_nothing_left(question, found)]))


def target_modules(question: Question, placed: Iterable[Placed]) -> str | list[str]:
    """Returns ``target_modules`` for the successor, as they were written when they still fit."""
    if question.stays_all_linear:
        return question.lora.target_modules
    every = [linear.name for linear in question.new.linears]
    new = {name for placement in placed for name in placement.new}
    modules = [linear.name for linear in question.new.linears if linear.kind != "Experts"]
    wanted = [name for name in modules if name in new]
    fits = _fits(question, every) and wanted == _chosen_as_written(question)
    return question.lora.target_modules if fits else spell(wanted, every)


def _fits(question: Question, every: Sequence[str]) -> bool:
    """Whether each written name means something on the successor."""
    written = question.lora.target_modules
    if isinstance(written, str):
        return not is_all_linear(question.lora)
    return all(any(ends_with(name, ending) for name in every) for ending in written)


def _chosen_as_written(question: Question) -> list[str]:
    everywhere = msgspec.structs.replace(
        question.lora, layers_to_transform=None, target_parameters=None
    )
    return chosen(everywhere, question.new.linears, task=question.recipe.task)


def _all_linear(question: Question, asked: Sequence[str]) -> Iterator[Finding]:
    if is_mixture(question.new.linears) or (question.old and is_mixture(question.old.linears)):
        yield _not_the_same(question, asked)
    saving = msgspec.structs.replace(question.lora, modules_to_save=question.must_save)
    new = chosen(saving, question.new.linears, task=question.recipe.task)
    before, after = roles_of(asked), roles_of(new)
    for role in dict.fromkeys([*before, *after]):
        old_side, new_side = tuple(before.get(role, ())), tuple(after.get(role, ()))
        yield Placed(role=role, old=old_side, new=new_side, how="all-linear")


def _not_the_same(question: Question, asked: Sequence[str]) -> Blocker:
    """Blocks on a mixture, where releases of PEFT read all-linear each in their own way."""
    by_old = roles_of(asked)
    near = homes(question, by_old)
    written = [entry(role, near.nearest(role)) for role in by_old if role != OTHER]
    written += [entry(_last(name), ()) for name in by_old.get(OTHER, ())]
    return Blocker(
        what="all-linear does not mean the same modules on a mixture of experts",
        mend=f"{mend_in_role_map(', '.join(dict.fromkeys(written)))}, with [] for what is to be "
        "left out",
    )


def _nothing_left(question: Question, findings: Sequence[Finding]) -> Iterator[Blocker]:
    """Blocks where every module was left out: there would be nothing to train."""
    placed = [found for found in findings if isinstance(found, Placed)]
    blocked = any(isinstance(found, Blocker) for found in findings)
    if blocked or not placed or any(found.new for found in placed):
        return
    by_old = roles_of(name for found in placed for name in found.old)
    near = homes(question, by_old)
    role, home = next(
        ((role, found) for role in by_old if (found := near.nearest(role))),
        (placed[0].role, linear_roles(question.new)[:1]),
    )
    yield Blocker(
        what="nothing is left to adapt on the successor",
        mend=f"{mend_in_role_map(entry(role, home))}, or another of its roles: "
        f"{', '.join(linear_roles(question.new))}",
    )


def _partial(question: Question, asked: Sequence[str], done: Set[str]) -> Iterator[Blocker]:
    """Blocks a choice inside one role: which of the successor's modules would it mean?"""
    if question.old is None:
        return
    everything = msgspec.structs.replace(
        question.lora,
        target_modules=r".*",
        target_parameters=None,
        exclude_modules=None,
        layers_to_transform=None,
    )
    possible = chosen(everything, question.old.linears, task=question.recipe.task)
    possible += [linear.name for linear in question.old.linears if linear.kind == "Experts"]
    every = roles_of(name for name in possible if name not in done)
    near = homes(question, roles_of(asked))
    for role, names in near.by_old.items():
        if role != OTHER and len(names) < len(every[role]):
            yield Blocker(
                what=f"the old adapter stands on {len(names)} of {len(every[role])} modules "
                f"of {role}; which of the successor's these mean is not clear",
                mend=f"{mend_in_role_map(entry(role, near.nearest(role)))} to adapt all of them, "
                f"or {{{role}: [NAME, ...]}} with the successor's modules",
            )


def _by_role(question: Question, names: Sequence[str]) -> Iterator[Finding]:
    by_old = roles_of(names)
    near = homes(question, by_old)
    for role, old in by_old.items():
        if role == OTHER:
            yield from _without_role(question, old)
        else:
            yield from _settled(near, role, tuple(old))
    if "mlp.up" in near.asked and near.known and "mlp.gate" not in near.known:
        yield from _new_gate(near)


def _settled(near: Homes, role: str, old: tuple[str, ...]) -> Iterator[Finding]:
    if role in near.available:
        yield Placed(role=role, old=old, new=tuple(near.available[role]), how="same role")
        return
    found: list[str] = []
    how = "left out"
    for part in parts_of(role):
        home = near.home(part)
        if home is None:
            problem = _homeless(near, part, role=role)
        elif near.strangers(home):
            problem = _ambiguous(near, home)
        else:
            found.append(home)
            continue
        how = "blocks" if isinstance(problem, Blocker) else how
        yield problem
    found = list(dict.fromkeys(found))
    new = tuple(name for home in found for name in near.available[home])
    how = f"becomes {' + '.join(found)}" if found else how
    yield Placed(role=role, old=old, new=new, how=how)
    yield from (_regrouped(near, role, home) for home in found)


def _regrouped(near: Homes, role: str, home: str) -> str:
    if len(parts_of(home)) > 1:
        return (
            f"{listed(near.asked_of(home))} share one layer on the successor "
            f"({near.called(home)}): one rank for all of them"
        )
    return f"{role} was one fused layer; {home} ({near.called(home)}) now has a rank of its own"


def _homeless(near: Homes, part: str, *, role: str) -> Finding:
    if part == HEAD_DENSE:
        return (
            "head.dense, the dense layer of the old head, has no counterpart: the successor's "
            "head is trained in full"
        )
    if part == "mlp.gate" and "mlp.up" in near.asked and near.home("mlp.up"):
        return (
            "the successor's MLP has no gate: mlp.gate is left out, and mlp.up "
            f"({near.called(near.home('mlp.up') or '')}) carries the MLP's input alone"
        )
    if part.startswith("mlp.") and is_mixture(near.new.linears):
        return _only_experts(near, part)
    others = f"its roles: {', '.join(linear_roles(near.new))}"
    if nearest := near.nearest(role):
        mend = f"{mend_in_role_map(entry(role, nearest))} to adapt that in its stead, or "
        mend += f"{{{role}: []}} to leave it out; {others}"
    else:
        mend = f"{mend_in_role_map(f'{role}: []')} to leave it out, or {{{role}: ROLE}}; {others}"
    return Blocker(what=f"the successor has no {part}", mend=mend)


def _only_experts(near: Homes, part: str) -> Blocker:
    roles = [role for role in near.by_old if role.startswith("mlp.")]
    alone = ", ".join(entry(role, ()) for role in roles)
    if near.reach_experts:
        adapted = ", ".join(entry(role, near.nearest(role)) for role in roles)
        mend = f"{mend_in_role_map(adapted)} to adapt the experts, or {{{alone}}} to leave them out"
    else:
        mend = f"{mend_in_role_map(alone)} to leave them out: DoRA and lora_bias reach no experts"
    return Blocker(
        what=f"{part}: the successor's MLPs are experts, which target_modules do not reach",
        mend=mend,
    )


def _ambiguous(near: Homes, home: str) -> Blocker:
    old = near.olds_in(home)
    whole = ", ".join(entry(role, [home]) for role in old)
    without = ", ".join(entry(role, ()) for role in old)
    return Blocker(
        what=f"the successor fuses {listed(parts_of(home))} into one layer "
        f"({near.called(home)}), and the old adapter stands on "
        f"{listed(near.asked_of(home))} alone",
        mend=f"{mend_in_role_map(whole)} to adapt the whole layer, or {{{without}}} to leave "
        "it out",
    )


def _new_gate(near: Homes) -> Iterator[str]:
    if "mlp.gate" in near.available:
        yield (
            f"the successor's MLP has a gate ({near.called('mlp.gate')}) and the old one has "
            "none: it stays without LoRA; role_map: {mlp.up: [mlp.up, mlp.gate]} adapts it too"
        )


def _without_role(question: Question, names: Sequence[str]) -> Iterator[Finding]:
    """Places modules that the table does not know by their own name, where the successor has it."""
    by_name: dict[str, list[str]] = {}
    for name in names:
        by_name.setdefault(_last(name), []).append(name)
    for last, old in by_name.items():
        new = [linear.name for linear in question.new.linears if ends_with(linear.name, last)]
        if new:
            yield Placed(role=last, old=tuple(old), new=tuple(new), how="same name")
            continue
        for group in groups(old, ()):
            yield Blocker(
                what=f"{group.pattern} has no known role",
                mend=f"{mend_in_role_map(f'{last}: []')} to leave it out, or {{{last}: ROLE}} with "
                "a role or module of the successor",
            )


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]
