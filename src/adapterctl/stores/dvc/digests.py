"""md5, which DVC goes by, and sha256, which we go by, of files read once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from adapterctl.records.canonical import listing_digest
from adapterctl.records.version import FilePin

Progress = Callable[[str, int, int], None]

_CHUNK = 1 << 20


class FileDigests(msgspec.Struct, frozen=True, kw_only=True):
    """One file by content; ``path`` as the caller named it, ``size`` in bytes."""

    path: str
    md5: str
    sha256: str
    size: int

    @property
    def pin(self) -> FilePin:
        """The part of it that a record keeps."""
        return FilePin(path=self.path, sha256=self.sha256, size=self.size)


def hash_file(file: Path, *, path: str) -> FileDigests:
    """Returns both digests of one file."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with file.open("rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            md5.update(chunk)
            sha256.update(chunk)
            size += len(chunk)
    return FileDigests(path=path, md5=md5.hexdigest(), sha256=sha256.hexdigest(), size=size)


def hash_files(
    folder: Path, paths: Iterable[str], *, progress: Progress | None = None
) -> list[FileDigests]:
    """Returns the digests of files of a folder, sorted by path, hashed on all cores.

    Args:
        folder: what ``paths`` are relative to.
        paths: with forward slashes.
        progress: called with a label, files hashed and files in all.
    """
    names = sorted(paths)
    found = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for digests in pool.map(lambda name: hash_file(folder / name, path=name), names):
            found.append(digests)
            if progress is not None:
                progress("hashing files", len(found), len(names))
    return found


def folder_digest(files: Iterable[FilePin]) -> str:
    """Returns the sha256 over the sorted lines ``<sha256>  <path>``."""
    return listing_digest(f"{file.sha256}  {file.path}" for file in files)
