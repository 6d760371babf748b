"""What the files of all feeds share: text, JSON, and typed records with their place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records.canonical import digest
from adapterctl.records.reading import build
from adapterctl.records.yaml_text import Document
from adapterctl.rules.feeds.rows import Row

Progress = Callable[[str, int, int], None]
"""Label, done, total."""

T = TypeVar("T", bound=msgspec.Struct)

MOST_PROBLEMS = 20
"""More than these are counted: a file of another feed is wrong in every row."""

ROWS_A_STEP = 500

HINT = "is it the file of this feed, and whole?"

_DAY = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)")


def text_of(path: Path) -> str:
    """Returns a file's text.

    Raises:
        InvalidInput: a folder, or not UTF-8.
    """
    if path.is_dir():
        raise InvalidInput.one("a folder", place=str(path), hint="name the file of the feed")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput.one(f"not UTF-8 at byte {error.start}", place=str(path)) from None


def parsed(text: str, *, file: str) -> Any:
    """Returns what JSON says.

    Raises:
        InvalidInput: with the line and column where it stops being JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{file}:{error.lineno}:{error.colno}"
        raise InvalidInput.one(f"not JSON: {error.msg}", place=place, hint=HINT) from None
    except RecursionError:
        raise InvalidInput.one("nested too deep", place=file) from None


def typed(
    entries: Iterable[tuple[Document, Any]], kind: type[T], *, progress: Progress, label: str
) -> list[tuple[Document, T]]:
    """Returns the records that ``entries`` hold, each beside its document.

    Args:
        entries: each document, and the part of it that the feed's fields stand in.
        kind: the fields that are read.
        progress: hears of every `ROWS_A_STEP` rows.
        label: what the progress is called.

    Raises:
        InvalidInput: naming each field that is missing or of another type.
    """
    waiting = list(entries)
    done: list[tuple[Document, T]] = []
    problems: list[Problem] = []
    for number, (document, data) in enumerate(waiting, start=1):
        try:
            done.append((document, _convert(document, data, kind)))
        except InvalidInput as error:
            problems.extend(error.problems)
        if number % ROWS_A_STEP == 0 or number == len(waiting) > ROWS_A_STEP:
            progress(label, number, len(waiting))
    if problems:
        raise InvalidInput([*problems[:MOST_PROBLEMS], *_rest(len(problems) - MOST_PROBLEMS)])
    return done


def _convert(document: Document, data: Any, kind: type[T]) -> T:
    """A schema that names every error is slow, and is asked only when there is one."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError:
        return build(Document(file=document.file, data=data, lines=document.lines), kind)


def _rest(count: int) -> Iterator[Problem]:
    if count > 0:
        yield Problem(place="", what=f"and {count:,} more", hint=HINT)


def inside(file: str, place: str, data: Any) -> Document:
    """Returns a record of a JSON file as a document of its own."""
    return Document(file=f"{file}: {place}", data=data, lines={})


def row(key: str, document: Document, data: T) -> Row[T]:
    """Returns a record with its key and the digest of all that the feed says in it."""
    return Row(key=key, digest=digest(document.data), data=data)


def must_have(rows: list[Row[Any]], *, file: str) -> list[Row[Any]]:
    """Refuses an empty feed, which would withdraw every date that is known."""
    if not rows:
        raise InvalidInput.one("holds no records", place=file, hint=HINT)
    return rows


def day_in(text: str | None) -> date | None:
    """Returns the first day that stands in ``text``, such as a file's name or a time stamp."""
    found = _DAY.search(text or "")
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def latest(texts: Iterable[str | None]) -> date | None:
    """Returns the latest day that any of ``texts`` states."""
    return max(filter(None, map(day_in, texts)), default=None)
