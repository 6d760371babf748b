"""LiteLLM's ``model_prices_and_context_window.json``: one object, a record per name."""

from __future__ import annotations

from pathlib import Path

from adapterctl.errors import InvalidInput
from adapterctl.rules.feeds.litellm import Price
from adapterctl.rules.feeds.rows import Snapshot
from adapterctl.stores.feeds.reading import (
    Progress,
    day_in,
    inside,
    must_have,
    parsed,
    row,
    text_of,
    typed,
)


def read(path: Path, progress: Progress) -> Snapshot:
    """Returns the records of the map; only its name can state its day."""
    file = str(path)
    data = parsed(text_of(path), file=file)
    if not isinstance(data, dict):
        raise InvalidInput.one("not an object of names", place=file, hint="is it LiteLLM's map?")
    entries = ((inside(file, name, record), record) for name, record in data.items())
    records = typed(entries, Price, progress=progress, label="litellm")
    named = zip(data, records, strict=True)
    rows = [row(name, document, price) for name, (document, price) in named]
    return Snapshot(feed="litellm", rows=must_have(rows, file=file), day=day_in(path.name))
