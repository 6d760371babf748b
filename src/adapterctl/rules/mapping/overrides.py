"""The ``role_map`` of a recipe: a person's own word on where a role goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapterctl.records.base import BaseShape
from adapterctl.rules.mapping.choice import ends_with
from adapterctl.rules.mapping.roles import ROLES, by_role, parts_of, role_of
from adapterctl.rules.mapping.targets import Blocker, Finding, Placed, Question, roles_of


def overridden(question: Question, asked: Sequence[str]) -> Iterator[Finding]:
    """Yields a placement, or what is wrong with it, for each entry that speaks of ``asked``."""
    taken: set[str] = set()
    for key, value in question.overrides.items():
        names = [name for name in asked if role_of(name) == key or ends_with(name, key)]
        if not names and key not in ROLES and not _is_old_module(question, key):
            yield Blocker(
                what=f"role_map: {key!r} is neither a role nor a module of the old base",
                mend=f"roles of this adapter: {', '.join(roles_of(asked))}",
            )
        if not names:
            yield from _only_a_part(key, asked)
        left = tuple(name for name in names if name not in taken)
        taken.update(left)
        if left:
            yield from _as_written(question, key, value=value, names=left)


def _only_a_part(key: str, asked: Sequence[str]) -> Iterator[Blocker]:
    """Blocks on a part of what the old base has in one layer: the layer has one home."""
    for role in roles_of(asked):
        if key != role and key in parts_of(role):
            yield Blocker(
                what=f"role_map: {key!r} is only a part of the old adapter's {role}",
                mend=f"write {role} in its place: one layer of the old base is placed as a whole",
            )


def _is_old_module(question: Question, key: str) -> bool:
    known = question.old.linears if question.old else ()
    return any(ends_with(linear.name, key) for linear in known)


def _as_written(
    question: Question, key: str, *, value: str | list[str], names: tuple[str, ...]
) -> Iterator[Finding]:
    found: dict[str, None] = {}
    for entry in [value] if isinstance(value, str) else value:
        here = _named(question.new, entry)
        found |= dict.fromkeys(here)
        if not here:
            yield Blocker(
                what=f"role_map: {key}: the successor has no role or module {entry!r}",
                mend=f"its roles: {', '.join(linear_roles(question.new))}",
            )
    how = "as role_map says" if found else "left out, as role_map says"
    yield Placed(role=key, old=names, new=tuple(found), how=how)


def _named(base: BaseShape, entry: str) -> list[str]:
    return [
        linear.name
        for linear in base.linears
        if role_of(linear.name) == entry
        # A bare ``down_proj`` means the modules of that name, and no experts.
        or (ends_with(linear.name, entry) and (linear.kind != "Experts" or "experts." in entry))
    ]


def linear_roles(base: BaseShape) -> list[str]:
    """Returns the roles of a base that LoRA is put on, in their order."""
    return [role for role in by_role(base.linears) if role and not role.startswith("embedding")]
