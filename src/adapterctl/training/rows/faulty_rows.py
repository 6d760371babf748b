"""Rows that cannot be used, refused all at once: set, row, field, what is wrong, mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from adapterctl.errors import InvalidInput, Problem
from adapterctl.training.rows.formats import Fault

_SHOWN = 20


def row_id(row: Any, number: int) -> str:
    """Returns a row's own ``id`` as text, or else its number in the set, from 0."""
    return str(row["id"]) if isinstance(row, dict) and row.get("id") is not None else str(number)


def refuse(rows: Sequence[Any], find: Callable[[int, Any], Iterable[Fault]], *, place: str) -> None:
    """Raises one error over all that ``find`` finds; the first 20 are told, the rest counted.

    Args:
        rows: the rows of a set.
        find: from a row's number and the row to its faults.
        place: the set's name.

    Raises:
        InvalidInput: there is a fault.
    """
    problems = [
        _problem(fault, place=_place(row, number, place=place))
        for number, row in enumerate(rows)
        for fault in find(number, row)
    ]
    if len(problems) > _SHOWN:
        rest = Problem(place=place, what=f"{len(problems) - _SHOWN} more problems, not shown")
        problems = [*problems[:_SHOWN], rest]
    if problems:
        raise InvalidInput(problems)


def named(names: Sequence[str]) -> str:
    """Returns ``3 rows (a, b, c)``, naming the first five."""
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} row{'s' if len(names) != 1 else ''} ({shown})"


def _place(row: Any, number: int, *, place: str) -> str:
    """Rows are counted from 0, as their ids are; a row's own id is told beside its number."""
    own = row_id(row, number)
    return f"{place}: row {number}" + (f" (id {own})" if own != str(number) else "")


def _problem(fault: Fault, *, place: str) -> Problem:
    field = f": {fault.field}" if fault.field else ""
    return Problem(place=place + field, what=fault.what, hint=fault.hint)
