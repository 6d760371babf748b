"""The door to a folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from adapterctl.errors import InvalidInput
from adapterctl.stores.files import PART, unwritable


def must_be_replaceable(folder: Path, *, marker: str, known: Iterable[str]) -> None:
    """Refuses to replace what was not written by `replace_folder`.

    Args:
        folder: may be missing or empty.
        marker: the file that says who wrote the folder.
        known: every other name that may stand in it.

    Raises:
        InvalidInput: a file, a folder without the marker, or one with something else in it.
    """
    mend = "name another folder, or move what is in it elsewhere"
    if folder.exists() and not folder.is_dir():
        raise InvalidInput.one("a file, not a folder", place=str(folder), hint="name a folder")
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if there and marker not in there:
        raise InvalidInput.one(
            "not empty, and no report: it is not replaced", place=str(folder), hint=mend
        )
    foreign = sorted(there - {marker, *known})
    if foreign:
        raise InvalidInput.one(
            f"holds {foreign[0]!r}, which no report has: it is not replaced",
            place=str(folder),
            hint=mend,
        )


def replace_folder(folder: Path, files: Iterable[tuple[str, str]]) -> list[str]:
    """Writes (path, text) pairs into a folder of its own and puts it in the place of ``folder``.

    Returns:
        The paths, as they came.

    Raises:
        AdapterctlError: a full disk, a read-only file system, somebody else's folder.
    """
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = f".{target.name}."
        new = Path(tempfile.mkdtemp(prefix=beside, suffix=PART, dir=target.parent))
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
        written = _fill(new, files)
        _swap(new, target)
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return written


def _fill(new: Path, files: Iterable[tuple[str, str]]) -> list[str]:
    new.chmod(0o755)
    written = []
    for path, text in files:
        place = new / path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(text.encode())
        written.append(path)
    return written


def _swap(new: Path, target: Path) -> None:
    old = new.with_suffix(f".old{PART}")
    replaces = target.exists()
    if replaces:
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if replaces:
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
