"""What else a base is called: names given and taken by hand, and those that feeds have for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.jobs.inputs.base_entry import AddedBase
from adapterctl.jobs.project import Project
from adapterctl.jobs.tensor_lists import weights_of
from adapterctl.records.base import Base
from adapterctl.rules.audit.same_weights import same_weights
from adapterctl.rules.names.joins import Join, names_of


def alias(project: Project, name: str, *, others: Sequence[str]) -> AddedBase:
    """Records other names under which feeds and adapters speak of a base.

    Raises:
        InvalidInput: a name is another base's, and its weights are not the same.
    """
    base = project.registry.base(name)
    for other in others:
        _must_be_free(project, base, other)
    return _named(project, base, sorted({*base.names, *others}))


def take_back(project: Project, name: str, *, others: Sequence[str]) -> AddedBase:
    """Takes names off a base again; the records that were found by them stay.

    Raises:
        InvalidInput: it was never given one of them.
    """
    base = project.registry.base(name)
    unknown = [other for other in others if other not in base.names]
    if unknown:
        raise InvalidInput.one(
            f"{name} was not given the name {unknown[0]!r}",
            place=f"registry/bases/{name}.yaml",
            hint=f"its names: {', '.join(base.names) or 'none'}",
        )
    return _named(project, base, [other for other in base.names if other not in others])


def found_under(project: Project, base: Base) -> list[Join]:
    """Returns the names in the feeds under which dates of a base were found."""
    return project.almanac({base.base: base}).found_under(base.base)


def _named(project: Project, base: Base, names: list[str]) -> AddedBase:
    new = names != base.names
    changed = msgspec.structs.replace(base, names=names)
    registry = project.registry
    path = registry.write_base(changed) if new else registry.base_path(base.base)
    return AddedBase(base=changed, written=(path,), new=new)


def _must_be_free(project: Project, base: Base, name: str) -> None:
    """A name means one base; two that are one, by their weights, may share it."""
    if not name.strip():
        raise InvalidInput.one("a name without letters", hint="name it as feeds and adapters do")
    for other in project.registry.bases():
        known = project.registry.base(other)
        called = {each.lower() for each in names_of(known)}
        if other == base.base or name.lower() not in called or _are_one(project, base, known):
            continue
        raise InvalidInput.one(
            f"{name!r} is what base {other!r} is called",
            place=f"registry/bases/{other}.yaml",
            hint=f"a name means one base; adapterctl bases alias {other} {name} --remove frees one "
            "that was given by hand",
        )


def _are_one(project: Project, base: Base, other: Base) -> bool:
    weights = weights_of(project, (base, other))
    none: frozenset[str] = frozenset()
    return same_weights(weights.get(base.base, none), weights.get(other.base, none))
