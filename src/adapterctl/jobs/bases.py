"""Declaring bases: add one, list and show them, fingerprint, give another name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs.base_folder import identify, locate, source_of
from adapterctl.jobs.project import Project
from adapterctl.records.base import Base, BaseIdentity, BaseSource
from adapterctl.records.canonical import pretty
from adapterctl.records.noun import NAME_PATTERN
from adapterctl.stores.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class AddedBase:
    """A declared base, and whether its file is new."""

    base: Base
    path: Path
    new: bool


def add_folder(project: Project, name: str, *, folder: Path) -> AddedBase:
    """Declares the weights in a local folder, pinned by the content."""
    if not folder.is_dir():
        raise NotFound("no such folder", place=str(folder), hint="--path names a base's folder")
    found = identify(project, folder)
    source = source_of(folder, project.root)
    revision = f"sha256:{found.fingerprint.removeprefix('fp1:')}"
    return _declare(project, _base(project, name, source=source, revision=revision, found=found))


def add_from_hub(project: Project, name: str, *, repo: str, revision: str) -> AddedBase:
    """Declares a Hub repository; a branch or tag is resolved to its commit."""
    from adapterctl.stores.hub import locate as locate_in_hub
    from adapterctl.stores.hub import resolve

    commit = resolve(repo, revision)
    folder = locate_in_hub(repo, commit, download=True, progress=project.display.progress)
    found = identify(project, folder)
    source = BaseSource(hub=repo)
    return _declare(project, _base(project, name, source=source, revision=commit, found=found))


def add_hosted(project: Project, name: str, *, source: BaseSource) -> AddedBase:
    """Declares a base that lives at a provider: its fingerprint is not obtainable."""
    base = Base(schema_version=1, base=name, source=source, added=project.today.isoformat())
    return _declare(project, base)


def fingerprint(project: Project, target: str, *, out: Path | None) -> BaseIdentity:
    """Fingerprints a base by name, or a folder; writes the identity to ``out`` if given."""
    known = target in project.registry.bases()
    folder = locate(project, project.registry.base(target)) if known else Path(target)
    if not folder.is_dir():
        raise NotFound(
            f"{target!r} is neither a base nor a folder",
            hint=f"bases: {', '.join(project.registry.bases()) or 'none'}",
        )
    found = identify(project, folder)
    if out is not None:
        write_atomically(out, pretty(found))
    return found


def alias(project: Project, name: str, *, other: str) -> AddedBase:
    """Records another name under which feeds and adapters speak of a base."""
    base = project.registry.base(name)
    names = sorted({*base.names, other})
    new = names != base.names
    changed = msgspec.structs.replace(base, names=names)
    path = project.registry.write_base(changed) if new else project.registry.base_path(name)
    return AddedBase(base=changed, path=path, new=new)


def listed(project: Project) -> list[Base]:
    """Returns every declared base."""
    return [project.registry.base(name) for name in project.registry.bases()]


def _base(
    project: Project, name: str, *, source: BaseSource, revision: str, found: BaseIdentity
) -> Base:
    return Base(
        schema_version=1,
        base=name,
        source=source,
        revision=revision,
        fingerprint=found.fingerprint,
        digests=found.digests,
        family=found.family,
        architecture=found.architecture,
        parameters=found.parameters,
        bytes=found.bytes,
        added=project.today.isoformat(),
    )


def _declare(project: Project, base: Base) -> AddedBase:
    """Writes the base's file unless it already says the same."""
    path = project.registry.base_path(base.base)
    if not path.is_file():
        return AddedBase(base=base, path=project.registry.write_base(base), new=True)
    known = project.registry.base(base.base)
    if known.fingerprint is None and known.source == base.source:
        filled = msgspec.structs.replace(base, names=known.names, licence=known.licence)
        return AddedBase(base=filled, path=project.registry.write_base(filled), new=True)
    if _identity(known) != _identity(base):
        raise InvalidInput.one(
            f"base {base.base!r} is declared already, with other weights: {known.fingerprint}",
            place=f"registry/bases/{base.base}.yaml",
            hint="a base never changes: declare these weights under another name",
        )
    return AddedBase(base=known, path=path, new=False)


def _identity(base: Base) -> tuple[Any, ...]:
    return (base.fingerprint, base.source.provider, base.source.model)


def check_name(name: str) -> None:
    """Raises `InvalidInput` for a name that cannot be a file name."""
    if not re.match(NAME_PATTERN, name):
        raise InvalidInput.one(
            f"not a name: {name!r}",
            hint="use small letters, digits, '.', '_' and '-', at most 80",
        )
