"""The file of a base in the registry: new, the same as before, or completed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.jobs.project import Project
from adapterctl.records.base import Base, BaseFile
from adapterctl.rules.base_files import disagreements
from adapterctl.rules.names.catalogued import filled_in
from adapterctl.stores.catalogue import entries

FINGERPRINT_THERE = "where the weights lie: adapterctl bases fingerprint DIR --out FILE"

Files = Callable[[], list[BaseFile]]
"""Gives digests of a base's files; hashing them takes as long as reading the base."""


@dataclass(frozen=True, kw_only=True)
class AddedBase:
    """A declared base, and whether its file is new.

    Attributes:
        written: files to add to git.
        twins: declared bases that have the same weights under another name (BASE004).
    """

    base: Base
    written: tuple[Path, ...]
    new: bool
    twins: tuple[str, ...] = ()


def no_files() -> list[BaseFile]:
    """Of a base that nobody has looked into, no file is known."""
    return []


def declare(project: Project, base: Base, *, files: Files) -> AddedBase:
    """Writes the base's file unless it already says the same, or more.

    What the catalogue knows of a new one is written, too: family, licence, other names.

    Args:
        project: where.
        base: what is to be declared.
        files: gives the digests of its files; asked only when there is something to compare.

    Raises:
        InvalidInput: another base is declared under this name.
        Mismatch: the files are not those that the base is known by.
    """
    path = project.registry.base_path(base.base)
    if not path.is_file():
        base = filled_in(base, entries())
        return AddedBase(base=base, written=(project.registry.write_base(base),), new=True)
    known = project.registry.base(base.base)
    if base.files and (known.source, known.revision) == (base.source, base.revision):
        return AddedBase(base=known, written=(path,), new=False)
    if known.fingerprint is None and base.fingerprint is not None and known.files:
        _must_agree(known, files())
        found = msgspec.structs.replace(base, source=known.source, revision=known.revision)
        return _completed(project, known, found)
    if known.fingerprint is None and known.source == base.source and not known.files:
        return _completed(project, known, base)
    if _identity(known) != _identity(base):
        raise InvalidInput.one(
            f"base {base.base!r} is declared already, {_what_it_is(known)}",
            place=f"registry/bases/{base.base}.yaml",
            hint="a base never changes: declare these weights under another name",
        )
    return AddedBase(base=known, written=(path,), new=False)


def _completed(project: Project, known: Base, base: Base) -> AddedBase:
    """Writes what is known now; what people have said of the base stays."""
    filled = msgspec.structs.replace(
        base,
        files=known.files or base.files,
        names=known.names,
        licence=known.licence,
        mirror=known.mirror,
        successors=known.successors,
        added=known.added or base.added,
    )
    if filled == known:
        path = project.registry.base_path(base.base)
        return AddedBase(base=known, written=(path,), new=False)
    return AddedBase(base=filled, written=(project.registry.write_base(filled),), new=True)


def _must_agree(known: Base, found: Sequence[BaseFile]) -> None:
    place = f"registry/bases/{known.base}.yaml"
    if not found:
        raise InvalidInput.one(
            "the fingerprint says nothing of files, and the base is known by them alone",
            place=place,
            hint=f"take it again, {FINGERPRINT_THERE}",
        )
    wrong = list(disagreements(known.files, found))
    if wrong:
        raise Mismatch(
            f"not base {known.base!r}: {'; '.join(wrong)}",
            place=place,
            hint=f"take {known.source.hub} at {known.revision}, or declare these weights under "
            "another name",
        )


def _what_it_is(known: Base) -> str:
    if known.fingerprint is None and known.files:
        return f"as {known.source.hub} at {known.revision}"
    if known.fingerprint is None:
        return "from elsewhere"
    return f"with other weights: {known.fingerprint}"


def _identity(base: Base) -> tuple[Any, ...]:
    listed = base.revision if base.fingerprint is None else None
    return (base.fingerprint, listed, base.source.provider, base.source.model)
