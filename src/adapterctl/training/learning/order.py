"""The order in which rows are learned: a pure function of seed, epoch and index.

No generator is involved, so no library release, resume point or worker can change it.
"""

from __future__ import annotations

import hashlib


def row_order(rows: int, *, seed: int, epoch: int) -> list[int]:
    """Returns ``range(rows)`` sorted by the sha256 of ``<seed>:<epoch>:<index>``."""
    return sorted(range(rows), key=lambda index: _rank(f"{seed}:{epoch}:{index}"))


def _rank(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
