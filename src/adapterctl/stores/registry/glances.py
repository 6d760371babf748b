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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.records.glance import Compact, Glance
from adapterctl.stores.files import write_atomically

TICK_NS = 2_000_000_000
"""The coarsest tick of a file system in use: two seconds, of FAT."""

_DIGEST_SIZE = 32

TELLS_CHANGES = os.name == "posix"

S = TypeVar("S", bound="_Shelf | _Identities")


OWN_SHARE = 0.4
"""Of the looking after files that is done here, while a copy of this process does the rest."""

Beside = Callable[[Callable[[], bytes]], Callable[[], bytes]]
"""Begins some work beside this process; what it returns waits for what the work returns."""


class _Identity(Compact, frozen=True, kw_only=True, gc=False):
    """The files that a glance was made from, and what each was: `MARKS` numbers a file."""

    files: list[str]
    marks: list[int]


class _Kept(Compact, frozen=True, kw_only=True, gc=False):
    """A glance; its identity is read by whoever asks for it."""

    identity: msgspec.Raw
    glance: Glance


class _Shelf(Compact, frozen=True, kw_only=True, gc=False):
    made_by: str
    kept: dict[str, _Kept]


class _Known(Compact, frozen=True, kw_only=True, gc=False):
    """The other half of what is kept: the identity alone."""

    identity: _Identity
    glance: msgspec.Raw


class _Identities(Compact, frozen=True, kw_only=True, gc=False):
    made_by: str
    kept: dict[str, _Known]


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
        self._content = _read(self._path) if self._now_ns is not None else b""
        self._used: dict[str, _Kept] = {}
        self._new = False
        # From an open folder, a name is found in half the time.
        self._there = os.open(adapters, os.O_RDONLY) if self._now_ns is not None else None

    @cached_property
    def _kept(self) -> Mapping[str, _Kept]:
        return _decoded(self._content, _Shelf, self._made_by)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._there is not None:
            os.close(self._there)

    def get(self, adapter: str) -> Glance | None:
        """Returns the glance that is kept, if every file that it was made from is the same."""
        kept = self._kept.get(adapter)
        if kept is None:
            return None
        identity = msgspec.msgpack.decode(kept.identity, type=_Identity)
        if _marks(self._there, identity.files) != identity.marks:
            return None
        self._used[adapter] = kept
        return kept.glance

    def those_of(self, adapters: Sequence[str], beside: Beside) -> dict[str, Glance | None]:
        """Returns as `get` does for adapters in order of name, two processes looking at once."""
        first = int(len(adapters) * OWN_SHARE)
        changed = beside(lambda: "\n".join(self._changed(adapters[first:])).encode())
        found = {adapter: self.get(adapter) for adapter in adapters[:first]}
        other = set(changed().decode().split("\n"))
        for adapter in adapters[first:]:
            kept = self._kept.get(adapter) if adapter not in other else None
            found[adapter] = kept.glance if kept else None
            if kept:
                self._used[adapter] = kept
        return found

    def _changed(self, adapters: Iterable[str]) -> Iterator[str]:
        """Yields those of which a file is another now."""
        known = _decoded(self._content, _Identities, self._made_by)
        for adapter in adapters:
            kept = known.get(adapter)
            if kept and _marks(self._there, kept.identity.files) != kept.identity.marks:
                yield adapter

    def put(self, glance: Glance, files: Sequence[str]) -> None:
        """Keeps a glance made from ``files``, unless one of them changed too lately to tell.

        ``files`` are relative to the folder of adapters.

        What changes while it is read has a time after the begin of this run, and is not kept.
        """
        if self._now_ns is None:
            return
        marks = _marks(self._there, files)
        if max((*marks[::MARKS], *marks[1::MARKS])) + TICK_NS < self._now_ns:
            identity = msgspec.msgpack.encode(_Identity(files=list(files), marks=marks))
            self._used[glance.adapter] = _Kept(identity=msgspec.Raw(identity), glance=glance)
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


def _read(path: Path) -> bytes | memoryview:
    """Returns what was kept, if it is whole."""
    try:
        raw = path.read_bytes()
    except OSError:
        return b""
    digest, content = raw[:_DIGEST_SIZE], memoryview(raw)[_DIGEST_SIZE:]
    return content if hashlib.sha256(content).digest() == digest else b""


def _decoded(content: bytes | memoryview, kind: type[S], made_by: str) -> Mapping[str, Any]:
    """Returns what this release kept."""
    try:
        shelf = msgspec.msgpack.decode(content, type=kind)
    except msgspec.DecodeError:
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
