"""Glances kept under ``.adapterctl/``, each with the identity of every file it was made from.

A kept glance is used while each of those files, and the adapter's folder, has the same times, size
and inode as before it was read; the time of the last change of the inode cannot be set by hand.
What changed less than two seconds before it was read is not kept: a file may change twice within
one tick of its file system's clock. That clock is the file system's own, read off a file that is
made there. Where nothing tells when an inode changed (Windows), nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.records.glance import Compact, Glance
from adapterctl.stores.files import write_atomically

TICK_NS = 2_000_000_000
"""The coarsest tick of a file system in use: two seconds, of FAT."""

_DIGEST_SIZE = 32

TELLS_CHANGES = os.name == "posix"


class Mark(NamedTuple):
    """What a file was when it was read; ``path`` is relative to the project."""

    path: str
    modified_ns: int
    changed_ns: int
    size: int
    inode: int


class _Kept(Compact, frozen=True, kw_only=True, gc=False):
    marks: list[Mark]
    glance: Glance


class _Shelf(Compact, frozen=True, kw_only=True, gc=False):
    made_by: str
    kept: dict[str, _Kept]


class KeptGlances:
    """What is kept of the adapters of the project at ``root``.

    Args:
        root: the project.
        folder: where it is kept.
        every: glances at every version, which are kept apart from those at versions in use.
    """

    def __init__(self, root: Path, folder: Path, *, every: bool) -> None:
        self._root = f"{root}{os.sep}"
        self._path = folder / ("every-version.msgpack" if every else "versions-in-use.msgpack")
        self._made_by = made_by()
        self._now_ns = _file_system_time(folder) if TELLS_CHANGES else None
        self._kept = _read(self._path, self._made_by) if self._now_ns is not None else {}
        self._used: dict[str, _Kept] = {}
        self._new = False

    def get(self, adapter: str) -> Glance | None:
        """Returns the glance that is kept, if every file that it was made from is the same."""
        kept = self._kept.get(adapter)
        if kept is None or not all(self._is_same(mark) for mark in kept.marks):
            return None
        self._used[adapter] = kept
        return kept.glance

    def _is_same(self, mark: Mark) -> bool:
        return _mark(self._root, mark.path) == mark

    def put(self, glance: Glance, paths: Iterable[str]) -> None:
        """Keeps a glance made from ``paths``, unless one of them changed too lately to tell.

        What changes while it is read has a time after the begin of this run, and is not kept.
        """
        if self._now_ns is None:
            return
        marks = [_mark(self._root, path) for path in paths]
        if all(max(m.modified_ns, m.changed_ns) + TICK_NS < self._now_ns for m in marks):
            self._used[glance.adapter] = _Kept(marks=marks, glance=glance)
            self._new = True

    def write(self) -> None:
        """Writes what was used or put, when it is not what was read.

        A place that takes no file is no error: the next run reads the registry again.
        """
        if self._now_ns is None or not (self._new or len(self._used) < len(self._kept)):
            return
        content = msgspec.msgpack.encode(_Shelf(made_by=self._made_by, kept=self._used))
        digest = hashlib.sha256(content).digest()
        try:
            write_atomically(self._path, digest + content, lasting=False)
        except AdapterctlError:
            return


_MISSING = (0, 0, 0, 0)


def _mark(root: str, path: str) -> Mark:
    try:
        found = os.stat(root + path)  # noqa: PTH116 - a Path costs more than the question
    except OSError:
        return Mark(path, *_MISSING)
    return Mark(path, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def _read(path: Path, made_by: str) -> dict[str, _Kept]:
    try:
        raw = path.read_bytes()
        digest, content = raw[:_DIGEST_SIZE], memoryview(raw)[_DIGEST_SIZE:]
        if hashlib.sha256(content).digest() != digest:
            return {}
        shelf = msgspec.msgpack.decode(content, type=_Shelf)
    except (OSError, msgspec.DecodeError):
        return {}
    return shelf.kept if shelf.made_by == made_by else {}


def _file_system_time(folder: Path) -> int | None:
    """Returns the time by the clock of the file system; ``None`` where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
            file.flush()
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return None


def made_by() -> str:
    """Returns a digest of the code that makes glances: its files, by name, size and time."""
    home = Path(__file__).parents[2]
    facts = [platform.python_version(), msgspec.__version__]
    for room in ("records", "rules", "stores"):
        for file in sorted((home / room).rglob("*.py")):
            found = file.stat()
            facts.append(f"{file} {found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
