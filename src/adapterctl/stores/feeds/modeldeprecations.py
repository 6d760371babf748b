"""modeldeprecations.dev: a YAML file per record, in a folder per provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records.yaml_text import Document, parse
from adapterctl.rules.feeds.modeldeprecations import Hosted
from adapterctl.rules.feeds.rows import Snapshot
from adapterctl.stores.feeds.reading import (
    ROWS_A_STEP,
    Progress,
    day_in,
    latest,
    must_have,
    row,
    text_of,
    typed,
)

LABEL = "modeldeprecations"

FILES_A_STEP = ROWS_A_STEP // 10
"""Reading YAML takes longer than a row of JSON."""


def read(path: Path, progress: Progress) -> Snapshot:
    """Returns the records of a folder, or of one file.

    A folder of folders is the whole feed, a folder of files one provider's part of it, and a file
    says nothing of what it leaves out.
    The day is the name's, or the last on which a record was verified.
    """
    paths = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    records = typed(_documents(paths, progress), Hosted, progress=_unheard, label=LABEL)
    rows = [row(f"{one.provider}/{one.model}", document, one) for document, one in records]
    return Snapshot(
        feed="modeldeprecations",
        rows=must_have(rows, file=str(path)),
        day=day_in(path.name) or latest(one.last_verified for _, one in records),
        covers=_covers(path, [one.provider for _, one in records]),
    )


def _covers(path: Path, providers: list[str]) -> tuple[str, ...]:
    if not path.is_dir():
        return ()
    is_whole = not any(path.glob("*.yaml"))
    return ("",) if is_whole else tuple(f"{each}/" for each in dict.fromkeys(providers))


def _documents(paths: list[Path], progress: Progress) -> Iterator[tuple[Document, Any]]:
    """Yields each file's document; what is no YAML is named for all files at once."""
    problems: list[Problem] = []
    for number, path in enumerate(paths, start=1):
        try:
            document = parse(text_of(path), file=str(path))
            yield document, document.data
        except InvalidInput as error:
            problems.extend(error.problems)
        if number % FILES_A_STEP == 0 or number == len(paths) > FILES_A_STEP:
            progress(LABEL, number, len(paths))
    if problems:
        raise InvalidInput(problems)


def _unheard(label: str, done: int, total: int) -> None:
    """Reading is what takes time here, and it was told."""
