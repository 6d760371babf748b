"""Declaring bases: add one, list and show them, fingerprint."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs.inputs.base_entry import FINGERPRINT_THERE, AddedBase, Files, declare, no_files
from adapterctl.jobs.inputs.base_folder import identify, locate, source_of
from adapterctl.jobs.project import Project
from adapterctl.jobs.tensor_lists import weights_of
from adapterctl.records.base import Base, BaseFile, BaseIdentity, BaseSource
from adapterctl.records.canonical import pretty
from adapterctl.records.noun import NAME_PATTERN
from adapterctl.rules.audit.same_weights import twins
from adapterctl.rules.base_files import WEIGHTS, of_the_base
from adapterctl.stores.files import write_atomically
from adapterctl.stores.tensor_lists import write_list


def add_folder(project: Project, name: str, *, folder: Path) -> AddedBase:
    """Declares the weights in a local folder, pinned by the content."""
    if not folder.is_dir():
        raise NotFound("no such folder", place=str(folder), hint="--path names a base's folder")
    found = identify(project, folder)
    source = source_of(folder, project.root)
    revision = f"sha256:{found.fingerprint.removeprefix('fp1:')}"
    base = _base(project, name, source=source, revision=revision, found=found)
    return _add(project, base, found, files=lambda: whole(project, folder))


def add_from_hub(project: Project, name: str, *, repo: str, revision: str) -> AddedBase:
    """Declares a Hub repository; a branch or tag is resolved to its commit."""
    from adapterctl.stores.hub import locate as locate_in_hub
    from adapterctl.stores.hub import resolve

    commit = resolve(repo, revision)
    folder = locate_in_hub(repo, commit, download=True, progress=project.display.progress)
    found = identify(project, folder)
    base = _base(project, name, source=BaseSource(hub=repo), revision=commit, found=found)
    return _add(project, base, found, files=lambda: whole(project, folder))


def add_listed(project: Project, name: str, *, repo: str, revision: str) -> AddedBase:
    """Declares a Hub repository by the digests of its files, which the Hub lists; none is fetched.

    Raises:
        NotFound: the repository holds no weights.
        InvalidInput: the base is declared already, at another revision or from elsewhere.
        AdapterctlError: the Hub does not tell.
    """
    from adapterctl.stores.hub import listing

    found = listing(repo, revision)
    files = of_the_base(found.files)
    if not any(file.path.endswith(WEIGHTS) for file in files):
        raise NotFound(
            f"no {WEIGHTS} files at {found.commit}",
            place=f"hub:{repo}",
            hint="a fingerprint is taken of safetensors: name a repository that has them",
        )
    base = Base(
        schema_version=1,
        base=name,
        source=BaseSource(hub=repo),
        revision=found.commit,
        files=files,
        family=found.family,
        architecture=found.architecture,
        parameters=found.parameters,
        added=project.today.isoformat(),
    )
    return declare(project, base, files=no_files)


def add_fingerprinted(project: Project, name: str, *, source: BaseSource, file: Path) -> AddedBase:
    """Declares a base whose weights lie elsewhere, by what was fingerprinted there.

    Args:
        project: where.
        name: the base's.
        source: where a rebuild will find the weights; a Hub repository stands at its commit.
        file: what `bases fingerprint DIR --out FILE` has written.

    Raises:
        NotFound: no such file.
        InvalidInput: it is not such a file.
    """
    if not file.is_file():
        raise NotFound("no such file", place=str(file), hint=FINGERPRINT_THERE)
    found = _read_identity(file)
    revision = f"sha256:{found.fingerprint.removeprefix('fp1:')}"
    if source.hub is not None:
        from adapterctl.stores.hub import resolve

        repo, _, stated = source.hub.partition("@")
        source, revision = BaseSource(hub=repo), resolve(repo, stated or "main")
    base = _base(project, name, source=source, revision=revision, found=found)
    return _add(project, base, found, files=lambda: found.files)


def _read_identity(file: Path) -> BaseIdentity:
    try:
        return msgspec.json.decode(file.read_bytes(), type=BaseIdentity)
    except (msgspec.DecodeError, OSError) as error:
        raise InvalidInput.one(
            f"not a fingerprint: {error}", place=str(file), hint=FINGERPRINT_THERE
        ) from None


def add_hosted(project: Project, name: str, *, source: BaseSource) -> AddedBase:
    """Declares a base that lives at a provider: its fingerprint is not obtainable."""
    base = Base(schema_version=1, base=name, source=source, added=project.today.isoformat())
    return declare(project, base, files=no_files)


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
        found = msgspec.structs.replace(found, files=whole(project, folder))
        write_atomically(out, pretty(found))
    return found


def whole(project: Project, folder: Path) -> list[BaseFile]:
    """Returns the digests of a base's files, with progress."""
    from adapterctl.stores.safetensors import whole_files

    return whole_files(folder, progress=project.display.progress)


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


def _add(project: Project, base: Base, found: BaseIdentity, *, files: Files) -> AddedBase:
    """Declares a base, keeps the digests of its tensors, and looks for its twins."""
    added = declare(project, base, files=files)
    if not found.float_digests:
        return added
    tensors = write_list(project.registry.base_path(base.base), found.float_digests)
    same = twins(base.base, weights_of(project, []))
    return replace(added, written=(*added.written, tensors), twins=tuple(same))


def check_name(name: str) -> None:
    """Raises `InvalidInput` for a name that cannot be a file name."""
    if not re.match(NAME_PATTERN, name):
        raise InvalidInput.one(
            f"not a name: {name!r}",
            hint="use small letters, digits, '.', '_' and '-', at most 80",
        )
