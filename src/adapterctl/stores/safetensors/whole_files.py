"""Digests of a base's files as they lie there, to compare with what the Hub lists."""

from __future__ import annotations

import hashlib
from pathlib import Path

from adapterctl.records.base import BaseFile
from adapterctl.stores.safetensors.folder import weight_files
from adapterctl.stores.safetensors.hashing import Progress

SMALL = 64 * 1024 * 1024
"""Above this size no file is git's own."""

CHUNK = 8 * 1024 * 1024


def whole_files(folder: Path, *, progress: Progress | None = None) -> list[BaseFile]:
    """Returns the weights by sha256, and what stands beside them by git's blob id, too.

    Args:
        folder: a base as ``save_pretrained`` or a Hub snapshot leaves it.
        progress: called with a label, bytes hashed and bytes in all.

    Raises:
        InvalidInput: no safetensors, or a shard missing.
    """
    weights = weight_files(folder)
    beside = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".safetensors"]
    files = sorted({*weights, *beside})
    total, done, found = sum(file.stat().st_size for file in files), 0, []
    for file in files:
        found.append(_digests(file, folder))
        done += found[-1].size
        if progress is not None:
            progress("hashing files", done, total)
    return found


def _digests(file: Path, folder: Path) -> BaseFile:
    size = file.stat().st_size
    sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            sha256.update(chunk)
            if size <= SMALL:
                blob.update(chunk)
    return BaseFile(
        path=file.relative_to(folder).as_posix(),
        size=size,
        sha256=sha256.hexdigest(),
        blob=blob.hexdigest() if size <= SMALL else None,
    )
