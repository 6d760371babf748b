"""The door to ``registry/bases/<base>.tensors``: a digest per floating-point tensor, one per line.

Kept beside the base's file and not in it, for it is long; 16 digits of each sha256 keep the
largest bases below a megabyte.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from adapterctl.stores.files import write_atomically

SUFFIX = ".tensors"


def write_list(base_file: Path, digests: Iterable[str]) -> Path:
    """Writes the list beside a base's file and returns its path."""
    path = base_file.with_suffix(SUFFIX)
    write_atomically(path, "".join(f"{digest}\n" for digest in digests).encode())
    return path


def read_lists(folder: Path) -> dict[str, frozenset[str]]:
    """Returns base to digests for every list in ``registry/bases/``."""
    return {
        path.stem: frozenset(path.read_text(encoding="ascii").split())
        for path in sorted(folder.glob(f"*{SUFFIX}"))
    }
