"""Folders that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapterctl.errors import AdapterctlError


@contextmanager
def appearing(folder: Path, *, what: str) -> Iterator[Path]:
    """Hands out a folder to write into, which takes the place of ``folder`` in the end.

    Args:
        folder: where it shall be; one that is there is replaced.
        what: what it is, for the message: ``the adapter``.

    Raises:
        AdapterctlError: it cannot be written; what was there before is untouched.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise AdapterctlError(
            f"cannot write {what}: {error.strerror or error}",
            place=str(folder),
            hint="make room or choose another folder, and run it again: it resumes",
        ) from error
