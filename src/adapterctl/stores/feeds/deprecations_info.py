"""deprecations.info: its list, whose fields changed over time, and its JSON Feed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.records.yaml_text import Document
from adapterctl.rules.feeds.deprecations_info import Deprecation
from adapterctl.rules.feeds.rows import Snapshot
from adapterctl.stores.feeds.reading import (
    Progress,
    day_in,
    inside,
    latest,
    must_have,
    parsed,
    row,
    text_of,
    typed,
)

_SEEN = ("scraped_at", "date_published", "last_observed")
"""When the scraper saw a record."""


def read(path: Path, progress: Progress) -> Snapshot:
    """Returns the records of either shape; the day is the name's, or the last one scraped."""
    file = str(path)
    items = _items(parsed(text_of(path), file=file), file)
    entries = [_entry(inside(file, f"[{n}]", item)) for n, item in enumerate(items)]
    records = typed(entries, Deprecation, progress=progress, label="deprecations-info")
    rows = [row(f"{one.provider}/{one.model_id}", document, one) for document, one in records]
    return Snapshot(
        feed="deprecations-info",
        rows=must_have(rows, file=file),
        day=day_in(path.name) or latest(_days(items)),
    )


def _items(data: Any, file: str) -> list[Any]:
    items = data.get("items") if isinstance(data, dict) else data
    if not isinstance(items, list):
        hint = "is it the list or the feed.json of deprecations.info?"
        raise InvalidInput.one("neither a list nor a JSON Feed", place=file, hint=hint)
    return items


def _entry(document: Document) -> tuple[Document, Any]:
    """An item of the JSON Feed keeps the fields in an extension, and the source beside it."""
    item = document.data
    if not isinstance(item, dict) or not isinstance(item.get("_deprecation"), dict):
        return document, item
    return document, {**item["_deprecation"], "url": item.get("url")}


def _days(items: Iterable[Any]) -> list[str]:
    texts = (item.get(key) for item in items for key in _SEEN)
    return [text for text in texts if isinstance(text, str)]
