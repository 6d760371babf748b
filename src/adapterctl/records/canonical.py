"""One way to write a noun down: sorted keys, so that equal things have equal bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec


def compact(value: Any) -> bytes:
    """Returns canonical JSON on one line, without a newline."""
    return msgspec.json.encode(value, order="sorted")


def pretty(value: Any) -> bytes:
    """Returns canonical JSON as it stands in ``registry/``: two spaces, one newline at the end."""
    return msgspec.json.format(compact(value), indent=2) + b"\n"


def digest(value: Any) -> str:
    """Returns the sha256 of the canonical JSON of ``value``."""
    return hashlib.sha256(compact(value)).hexdigest()


def listing_digest(lines: Iterable[str]) -> str:
    """Returns the sha256 over ``lines``, sorted, each ended by a newline."""
    text = "".join(f"{line}\n" for line in sorted(lines))
    return hashlib.sha256(text.encode()).hexdigest()


def rows_digest(rows: Iterable[dict[str, Any]]) -> str:
    """Returns the sha256 over rows as canonical JSON lines, in their order."""
    hasher = hashlib.sha256()
    for row in rows:
        hasher.update(compact(row) + b"\n")
    return hasher.hexdigest()
