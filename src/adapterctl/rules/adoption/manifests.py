"""A manifest: a table that says of many adapters what their folders do not."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records.noun import Noun

COLUMNS = ("path", "name", "team", "base", "data", "recipe")


class Entry(Noun, frozen=True, kw_only=True):
    """What is said of one folder; every field but ``path`` may be left out.

    Attributes:
        path: the PEFT folder, relative to the manifest.
        name: what the adapter is called.
        team: who owns it.
        base: a declared base, or a repository of the Hub, ``ORG/NAME`` or ``ORG/NAME@COMMIT``.
        data: its training data, a path in the project.
        recipe: its recipe, relative to the manifest.
    """

    path: str
    name: str | None = None
    team: str | None = None
    base: str | None = None
    data: str | None = None
    recipe: str | None = None


def entries(rows: Sequence[Mapping[str, Any]], *, place: str) -> list[Entry]:
    """Returns the entries of a manifest's rows.

    Raises:
        InvalidInput: a column that is not known or missing, or rows without a path; all at once.
    """
    problems = [*_wrong_columns(rows[0], place), *_without_path(rows, place)]
    if problems:
        raise InvalidInput(problems)
    return [Entry(**{key: str(value).strip() for key, value in _given(row)}) for row in rows]


def _given(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in row.items() if value and str(value).strip())


def _wrong_columns(row: Mapping[str, Any], place: str) -> Iterator[Problem]:
    for column in row:
        if column not in COLUMNS:
            near = difflib.get_close_matches(column, COLUMNS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(COLUMNS)}"
            yield Problem(place=place, what=f"unknown column {column!r}", hint=hint)
    if "path" not in row:
        yield Problem(place=place, what="no column 'path'", hint=f"columns: {', '.join(COLUMNS)}")


def _without_path(rows: Sequence[Mapping[str, Any]], place: str) -> Iterator[Problem]:
    for number, row in enumerate(rows, start=1):
        if "path" in row and not str(row["path"] or "").strip():
            yield Problem(place=f"{place}: row {number}", what="no path", hint="name a PEFT folder")
