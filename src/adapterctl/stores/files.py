"""The door to the file system: files appear whole or not at all.

The one store that other stores may use: each of them writes, and none may leave half a file.
"""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from adapterctl.errors import AdapterctlError


def write_atomically(path: Path, content: bytes) -> None:
    """Writes ``content`` under a temporary name and renames it; nothing half-written stays."""
    temporary = _temporary(path, content)
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


def unwritable(path: Path, error: OSError) -> AdapterctlError:
    """Returns the clear error for a full disk, a read-only registry and their like."""
    hints = {
        errno.ENOSPC: "free some space and run the command again",
        errno.EDQUOT: "free some space and run the command again",
        errno.EACCES: "make it writable for you",
        errno.EROFS: "the file system is read-only",
    }
    return AdapterctlError(
        f"cannot write: {error.strerror}",
        place=str(path),
        hint=hints.get(error.errno or 0, ""),
    )


def _temporary(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(path, error) from None
    return temporary


def append_line(path: Path, line: bytes) -> Path:
    """Adds one line with a single write, so that two writers cannot mix theirs."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from None
    return path
