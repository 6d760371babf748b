"""Words that every form of a plan shares."""

from __future__ import annotations

from adapterctl.rules.planning.budgets import Price

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


def size(count_of_bytes: int) -> str:
    """Returns ``820 kB``, ``61 MB``, ``16.2 GB``: powers of ten, as devices are sold."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count_of_bytes >= scale:
            amount = count_of_bytes / scale
            return f"{amount:,.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"
    return f"{count_of_bytes} B"


def money(amount: float, price: Price) -> str:
    """Returns ``0.35 EUR``."""
    return f"{amount:,.2f} {price.currency}"


def count(number: int, noun: str) -> str:
    """Returns ``1 row``, ``2 rows``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
