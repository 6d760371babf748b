"""The door to the file system: files appear whole or not at all.

The one store that other stores may use: each of them writes, and none may leave half a file.
"""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from adapterctl.errors import AdapterctlError

LFS_POINTER = b"version https://git-lfs"
"""How a file begins that Git LFS has left in the place of another."""

PART = ".part"
"""Ends the name of what is being written; `init` has git ignore it, for a kill leaves it behind."""

PROBE_BYTES = 65_536
"""More than a file system keeps beside the name of a file: a full disk must notice."""


def write_atomically(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Writes ``content`` under a temporary name and renames it; nothing half-written stays.

    Args:
        path: the file.
        content: all of it.
        lasting: wait for the disk, so that a power cut loses nothing; not for what can be made
            again, and is recognised when it is damaged.
    """
    temporary = _temporary(path, content, lasting=lasting)
    try:
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(path, error) from None


def create_exclusively(path: Path, content: bytes) -> bool:
    """Creates ``path`` with ``content`` unless it exists; returns whether it was created.

    The file appears whole or not at all: written under a temporary name, then linked.
    """
    temporary = _temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)
    return True


def must_be_writable(*places: Path) -> None:
    """Tries to write, so that long work is not begun in vain: a probe into folders, removed again.

    A folder that is not there yet is probed where it would be made; a file is opened only.

    Raises:
        AdapterctlError: a full disk, a read-only file system, somebody else's folder.
    """
    for place in places:
        nearest = next(each for each in (place, *place.parents) if each.exists())
        try:
            _probe(nearest)
        except OSError as error:
            raise unwritable(nearest, error) from None


def _probe(place: Path) -> None:
    if not place.is_dir():
        place.open("ab").close()
        return
    with tempfile.TemporaryFile(dir=place) as probe:
        probe.write(b"\0" * PROBE_BYTES)
        probe.flush()
        os.fsync(probe.fileno())


def unwritable(path: Path, error: OSError) -> AdapterctlError:
    """Returns the clear error for a full disk, a read-only registry and their like."""
    hints = {
        errno.ENOSPC: "free some space and run the command again",
        errno.EDQUOT: "free some space and run the command again",
        errno.EACCES: "make it writable for you",
        errno.EPERM: "make it writable for you",
        errno.EROFS: "make the file system writable",
        errno.EFBIG: "raise the limit on file sizes",
    }
    return AdapterctlError(
        f"cannot write: {error.strerror}",
        place=str(path),
        hint=hints.get(error.errno or 0, ""),
    )


def _temporary(path: Path, content: bytes, *, lasting: bool = True) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        temporary.chmod(0o644)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(path, error) from None
    return temporary


def append_line(path: Path, line: bytes) -> Path:
    """Adds one line with a single write, so that two writers cannot mix theirs.

    A line that did not fit is taken back: half of one would make the ledger unreadable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            _append(file, line + b"\n")
    except OSError as error:
        raise unwritable(path, error) from None
    return path


def append_lines(path: Path, lines: Sequence[bytes]) -> Path:
    """Adds lines at once: a kill leaves all of them in the file or none.

    A write of many pages can be cut short by a kill, so that for more than one line the file is
    written anew beside its place and renamed.
    """
    if len(lines) == 1:
        return append_line(path, lines[0])
    before = path.read_bytes() if path.is_file() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    write_atomically(path, before + b"".join(line + b"\n" for line in lines))
    return path


def _append(file: io.FileIO, line: bytes) -> None:
    written = 0
    try:
        while written < len(line):
            written += file.write(line[written:])
        os.fsync(file.fileno())
    except OSError:
        end = file.tell()
        if os.fstat(file.fileno()).st_size == end:
            file.truncate(end - written)
        raise
