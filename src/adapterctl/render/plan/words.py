"""Words that every form of a plan shares."""

from __future__ import annotations

_MINUTE, _HOUR = 60, 3600


def duration(seconds: float | None) -> str:
    """Returns ``41 s``, ``12 min`` or ``3.5 h``; ``-`` when unknown."""
    if seconds is None:
        return "-"
    if seconds < 2 * _MINUTE:
        return f"{seconds:,.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:,.0f} min"
    return f"{seconds / _HOUR:,.1f} h"


def count(number: int, noun: str) -> str:
    """Returns ``1 row``, ``2 rows``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
