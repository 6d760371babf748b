"""Taking turns: what two processes must not do at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Holds the lock beside ``place``; the system releases it when its holder dies."""
    from filelock import FileLock

    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_name(f"{place.name}.lock")):
        yield


def is_held(place: Path) -> bool:
    """Whether somebody holds the lock beside ``place`` now; it is asked for, and given back."""
    lock = place.with_name(f"{place.name}.lock")
    if not lock.is_file() or find_spec("filelock") is None:
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
