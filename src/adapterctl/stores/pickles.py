"""The door to pickled weights: looked at from outside, and never opened.

Unpickling runs code of whoever wrote the file. Whether it is whole can be told without.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from adapterctl.errors import InvalidInput
from adapterctl.stores.files import LFS_POINTER

_ZIP, _LEGACY = b"PK\x03\x04", b"\x80"
"""How ``torch.save`` begins a file since 1.6, and before."""


def pickle_digest(path: Path) -> str:
    """Returns the sha256 of a file of ``torch.save``.

    Raises:
        InvalidInput: a Git LFS pointer, cut off, or no such file at all.
    """
    with path.open("rb") as file:
        start = file.read(len(LFS_POINTER))
    if start == LFS_POINTER:
        raise InvalidInput.one(
            "a Git LFS pointer, not the weights", place=str(path), hint="git lfs pull"
        )
    if start.startswith(_ZIP) and not zipfile.is_zipfile(path):
        raise InvalidInput.one("cut off", place=str(path), hint="fetch the file again")
    if not start.startswith((_ZIP, _LEGACY)):
        raise InvalidInput.one(
            "no file that torch.save has written", place=str(path), hint="fetch the file again"
        )
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
