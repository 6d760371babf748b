"""The digest of every tensor, on all cores, remembered by file identity."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.records.canonical import compact, digest
from adapterctl.stores.files import write_atomically
from adapterctl.stores.safetensors.layout import TensorPlace, damaged, read_layout

Progress = Callable[[str, int, int], None]

# Small enough to stay in a core's cache between reading and hashing.
_CHUNK = 1 << 20


class TensorDigest(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor by content; ``size`` in bytes."""

    name: str
    dtype: str
    shape: list[int]
    size: int
    sha256: str

    @property
    def line(self) -> str:
        """The tensor's line in a fingerprint: ``name<TAB>dtype<TAB>[2,3]<TAB>sha256``."""
        shape = ",".join(map(str, self.shape))
        return f"{self.name}\t{self.dtype}\t[{shape}]\t{self.sha256}"


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the cache keeps of a file: its identity, whole, and its tensors."""

    identity: list[str | int]
    tensors: list[TensorDigest]


def hash_files(
    files: Sequence[Path], *, cache: Path | None, progress: Progress | None
) -> list[TensorDigest]:
    """Returns the digests of all tensors of all files, sorted by line.

    Args:
        files: safetensors files that together are one set of weights.
        cache: folder in which digests are kept by file identity, or ``None``.
        progress: called with a label, bytes hashed and bytes in all.

    Raises:
        InvalidInput: a file that `read_layout` refuses, a tensor in two files, or a file that
            changes while it is read.
    """
    before = {file: _identity(file) for file in files}
    known = {file: _recall(identity, cache) for file, identity in before.items()}
    hashed = _hash_all([file for file, tensors in known.items() if tensors is None], progress)
    for file, tensors in hashed.items():
        if _identity(file) != before[file]:
            raise damaged(file, "it changed while it was read")
        _remember(before[file], tensors, cache)
    per_file = {file: known[file] or hashed.get(file, []) for file in files}
    _refuse_duplicates(per_file)
    return sorted((t for ts in per_file.values() for t in ts), key=lambda tensor: tensor.line)


def _hash_all(files: Sequence[Path], progress: Progress | None) -> dict[Path, list[TensorDigest]]:
    work = [(file, place) for file in files for place in read_layout(file)]
    total, done = sum(place.size for _, place in work), 0
    results: dict[Path, list[TensorDigest]] = {file: [] for file in files}
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
    try:
        jobs = {pool.submit(_hash, file, place): file for file, place in work}
        for job in as_completed(jobs):
            tensor = job.result()
            results[jobs[job]].append(tensor)
            done += tensor.size
            if progress is not None:
                progress("hashing weights", done, total)
    finally:
        pool.shutdown(cancel_futures=True)
    return results


def _hash(file: Path, place: TensorPlace) -> TensorDigest:
    hasher, left = hashlib.sha256(), place.size
    buffer = memoryview(bytearray(min(_CHUNK, left)))
    with file.open("rb", buffering=0) as stream:
        stream.seek(place.start)
        while left:
            count = stream.readinto(buffer[: min(left, len(buffer))])
            if not count:
                raise damaged(file, "it shrank while it was read")
            hasher.update(buffer[:count])
            left -= count
    return TensorDigest(
        name=place.name,
        dtype=place.dtype,
        shape=place.shape,
        size=place.size,
        sha256=hasher.hexdigest(),
    )


def _refuse_duplicates(per_file: dict[Path, list[TensorDigest]]) -> None:
    seen: dict[str, Path] = {}
    for file, tensors in per_file.items():
        for tensor in tensors:
            first = seen.setdefault(tensor.name, file)
            if first != file:
                raise InvalidInput.one(
                    f"tensor {tensor.name!r} is also in {first.name}",
                    place=str(file),
                    hint="fetch the base again",
                )


def _identity(file: Path) -> list[str | int]:
    """Path, device, inode, size and times; the change time cannot be set back by a copy."""
    try:
        file = file.resolve(strict=True)
        s = file.stat()
    except OSError as error:
        raise InvalidInput.one(f"cannot read: {error.strerror}", place=str(file)) from None
    return [str(file), s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns]


def _recall(identity: list[str | int], cache: Path | None) -> list[TensorDigest] | None:
    """Returns what is kept of a file; a damaged or foreign entry counts as absent."""
    if cache is None:
        return None
    try:
        known = msgspec.json.decode(_entry(cache, identity).read_bytes(), type=_Known)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return known.tensors if known.identity == identity else None


def _remember(identity: list[str | int], tensors: list[TensorDigest], cache: Path | None) -> None:
    """Keeps the digests; a cache that cannot be written costs time, not the answer."""
    if cache is None:
        return
    content = compact(_Known(identity=identity, tensors=tensors))
    with suppress(AdapterctlError):
        write_atomically(_entry(cache, identity), content)


def _entry(cache: Path, identity: list[str | int]) -> Path:
    return cache / f"{digest(identity[0])}.json"
