"""What had to hold of a measurement, and whether it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def as_lines(checks: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yields each claim as an item of a Markdown list."""
    for check in checks:
        yield f"- {'holds' if check['held'] else '**DOES NOT HOLD**'}: {check['claim']}"
