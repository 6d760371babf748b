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
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.records.glance import Compact, Glance
from adapterctl.stores.files import write_atomically

TICK_NS = 2_000_000_000
"""The coarsest tick of a file system in use: two seconds, of FAT."""

_DIGEST_SIZE = 32

TELLS_CHANGES = os.name == "posix"


class _Kept(Compact, frozen=True, kw_only=True, gc=False):
    """A glance, the files that it was made from, and what each was: `MARKS` numbers a file."""

    files: list[str]
    marks: list[int]
    glance: Glance


class _Shelf(Compact, frozen=True, kw_only=True, gc=False):
    made_by: str
    kept: dict[str, _Kept]


class KeptGlances:
    """What is kept of adapters; closed as a context manager is.

    Args:
        adapters: the folder that has a folder for each adapter.
        folder: where it is kept.
        every: glances at every version, which are kept apart from those at versions in use.
    """

    def __init__(self, adapters: Path, folder: Path, *, every: bool) -> None:
        self._path = folder / ("every-version.msgpack" if every else "versions-in-use.msgpack")
        self._made_by = made_by()
        self._now_ns = _file_system_time(folder) if TELLS_CHANGES else None
        self._kept = _read(self._path, self._made_by) if self._now_ns is not None else {}
        self._used: dict[str, _Kept] = {}
        self._new = False
        # From an open folder, a name is found in half the time.
        self._there = os.open(adapters, os.O_RDONLY) if self._now_ns is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._there is not None:
            os.close(self._there)

    def get(self, adapter: str) -> Glance | None:
        """Returns the glance that is kept, if every file that it was made from is the same."""
        kept = self._kept.get(adapter)
        if kept is None or _marks(self._there, kept.files) != kept.marks:
            return None
        self._used[adapter] = kept
        return kept.glance

    def put(self, glance: Glance, files: Sequence[str]) -> None:
        """Keeps a glance made from ``files``, unless one of them changed too lately to tell.

        ``files`` are relative to the folder of adapters.

        What changes while it is read has a time after the begin of this run, and is not kept.
        """
        if self._now_ns is None:
            return
        marks = _marks(self._there, files)
        if max((*marks[::MARKS], *marks[1::MARKS])) + TICK_NS < self._now_ns:
            self._used[glance.adapter] = _Kept(files=list(files), marks=marks, glance=glance)
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


def _marks(there: int | None, files: Iterable[str]) -> list[int]:
    """Returns when each file was modified and its inode changed, its size, and its inode."""
    marks: list[int] = []
    for file in files:
        try:
            found = os.stat(file, dir_fd=there)
        except OSError:
            marks += _MISSING
        else:
            marks += (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    return marks


MARKS = 4
_MISSING = (0,) * MARKS


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
    for room in ("records", "rules", "stores", "jobs"):
        for file in sorted((home / room).rglob("*.py")):
            found = file.stat()
            facts.append(f"{file} {found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
