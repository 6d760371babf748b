"""A copy of a base that is ours: for the day on which nobody else has it any more."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.jobs.inputs.base_folder import checked, identify, source_of
from adapterctl.jobs.project import Project
from adapterctl.records.base import Base
from adapterctl.rules.bucket_urls import in_bucket
from adapterctl.stores.files import unwritable


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """A copy that was made, and the file that names it."""

    base: str
    place: str
    files: int
    bytes: int
    path: Path


def mirror(project: Project, name: str, *, place: str) -> Mirrored:
    """Copies a base to a place of ours, makes sure of the copy, and notes the place.

    Args:
        project: where the base is declared.
        name: the base.
        place: a folder, where the copy's fingerprint is compared, or ``s3://bucket/prefix``,
            from where every file is read back. The place is noted when the copy is whole.

    Raises:
        InvalidInput: the place holds something else.
        Mismatch: the base is not what was added, or the copy is not the base.
        Unreachable: S3 does not answer.
        AdapterctlError: a copy cannot be written.
    """
    base = project.registry.base(name)
    if in_bucket(place):
        return _in_bucket(project, base, place.rstrip("/"))
    return _in_folder(project, base, Path(place).absolute())


def _in_bucket(project: Project, base: Base, url: str) -> Mirrored:
    from adapterctl.stores.s3 import mirror_folder

    folder = checked(project, base)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    digests = {}
    for number, file in enumerate(files, start=1):
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        digests[file.relative_to(folder).as_posix()] = found
        project.display.progress(f"hashing {base.base}", number, len(files))
    heads = mirror_folder(folder, url, sha256=digests, progress=project.display.progress)
    path = project.registry.write_base(msgspec.structs.replace(base, mirror=url))
    return Mirrored(
        base=base.base,
        place=url,
        files=len(heads),
        bytes=sum(head.size for head in heads),
        path=path,
    )


def _in_folder(project: Project, base: Base, target: Path) -> Mirrored:
    """Copies beside the place and renames into it, so that a mirror is whole or not there."""
    name = base.base
    if target.exists() and any(target.iterdir()):
        _must_be(project, target, fingerprint=base.fingerprint, name=name)
    else:
        folder = checked(project, base)
        _copy(project, folder, target, fingerprint=base.fingerprint, name=name)
    named = source_of(target, project.root).path
    changed = msgspec.structs.replace(base, mirror=named)
    path = project.registry.write_base(changed)
    files = [file for file in target.rglob("*") if file.is_file()]
    return Mirrored(
        base=name,
        place=str(named),
        files=len(files),
        bytes=sum(file.stat().st_size for file in files),
        path=path,
    )


def _copy(
    project: Project, folder: Path, target: Path, *, fingerprint: str | None, name: str
) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    try:
        for number, file in enumerate(files, start=1):
            copy = part / file.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            project.display.progress(f"copying {name}", number, len(files))
        _must_be(project, part, fingerprint=fingerprint, name=name)
        if target.exists():
            target.rmdir()
        part.rename(target)
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _must_be(project: Project, folder: Path, *, fingerprint: str | None, name: str) -> None:
    try:
        found = identify(project, folder).fingerprint
    except InvalidInput as error:
        raise InvalidInput.one(
            "not empty, and no copy of the base", place=str(folder), hint="name a new folder"
        ) from error
    if found != fingerprint:
        raise Mismatch(
            f"the copy is not base {name!r}: {found} instead of {fingerprint}",
            place=str(folder),
            hint="name a new folder",
        )
