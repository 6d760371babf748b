"""deprecations.info: only ``shutdown_date`` is a date of an end.

``announcement_date`` is the day on which its scraper first saw the row, and ``deprecation_date``
the begin of the notice, at times filled in with the shutdown: neither is read.
"""

from __future__ import annotations

import re

from adapterctl.rules.feeds.rows import Reading, Row, Stated, one_line
from adapterctl.rules.lifecycle.providers import provider_name

SITE = "https://deprecations.info/"

_SEVERAL = re.compile(r"[,;*\n]|\bor\b|[\w*]or(?=gpt-|o\d)")
"""A page's text run together: ``gpt-5orgpt-4.1*``, ``Claude Opus 4.1, Claude Sonnet 4.5``."""


class Deprecation(Stated, frozen=True, kw_only=True):
    """What is read of a row, in the shapes of 2025 and of 2026."""

    provider: str
    model_id: str
    shutdown_date: str | None = None
    replacement_model: str | None = None
    replacement_models: list[str] | None = None
    url: str | None = None


def observe(row: Row[Deprecation], reading: Reading) -> None:
    """Reads one row; one without a date of shutdown says nothing."""
    stated = row.data
    if not stated.shutdown_date:
        return
    successor = _successor(stated)
    told = stated.replacement_model if successor is None else None
    reading.take(
        row,
        stated.shutdown_date,
        subject=one_line(stated.model_id),
        source=stated.url or SITE,
        provider=provider_name(stated.provider),
        successor=successor,
        note=f"replacement as stated: {one_line(told)}" if told else None,
    )


def _successor(stated: Deprecation) -> str | None:
    """Returns the first replacement; a text that runs several together names none."""
    if stated.replacement_models:
        return one_line(stated.replacement_models[0])
    text = stated.replacement_model
    return text if text and not _SEVERAL.search(text) else None
