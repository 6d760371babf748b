"""Something impossible in a recipe, as rules tell it; the registry knows file and line."""

from __future__ import annotations

from typing import NamedTuple


class Contradiction(NamedTuple):
    """Something impossible: the path inside the recipe, what is wrong, and the mend."""

    path: tuple[str | int, ...]
    what: str
    hint: str
