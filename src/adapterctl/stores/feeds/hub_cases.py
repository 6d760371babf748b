"""Cases of the Hugging Face Hub: JSON Lines, compiled by hand from public pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.records.yaml_text import Document
from adapterctl.rules.feeds.hub_cases import Case
from adapterctl.rules.feeds.rows import Snapshot
from adapterctl.stores.feeds.reading import Progress, day_in, must_have, row, text_of, typed


def read(path: Path, progress: Progress) -> Snapshot:
    """Returns the cases; only the file's name can state its day."""
    records = typed(_lines(path), Case, progress=progress, label="hub-cases")
    rows = [row(case.hf_id, document, case) for document, case in records]
    return Snapshot(feed="hub-cases", rows=must_have(rows, file=str(path)), day=day_in(path.name))


def _lines(path: Path) -> Iterator[tuple[Document, Any]]:
    import json

    for number, line in enumerate(text_of(path).splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            what = f"not JSON: {error.msg} at column {error.colno}"
            raise InvalidInput.one(what, place=place, hint="one object on each line") from None
        yield Document(file=place, data=data, lines={}), data
