"""The door to what is installed in the running environment, as its own metadata tell it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re


def record_digests() -> dict[str, str | None]:
    """Returns each installed distribution's name and the sha256 of its ``RECORD``.

    ``RECORD`` lists the files that were installed with their hashes; a distribution without one
    (a development install of old) has ``None``. Of two with one name the one imported counts.
    """
    found: dict[str, str | None] = {}
    for each in importlib.metadata.distributions():
        if each.name:
            found.setdefault(canonical(each.name), _digest(each.read_text("RECORD")))
    return dict(sorted(found.items()))


def without_index() -> set[str]:
    """Returns the distributions that were installed from a folder, a URL or a commit."""
    return {
        canonical(each.name)
        for each in importlib.metadata.distributions()
        if each.name and each.read_text("direct_url.json") is not None
    }


def _digest(record: str | None) -> str | None:
    return None if record is None else hashlib.sha256(record.encode()).hexdigest()


def canonical(name: str) -> str:
    """Returns the name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()
