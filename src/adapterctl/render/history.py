"""What happened to one adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from adapterctl.render.answer import envelope
from adapterctl.render.table import paint, table, unjudged, wrapped
from adapterctl.rules.findings import Skipped
from adapterctl.rules.timeline import Happening

TITLES = ("WHEN", "WHAT", "VERSION", "BY")


def as_json(lines: Sequence[Happening], skipped: Sequence[Skipped], *, as_of: date) -> str:
    """Returns one result per happening, oldest first."""
    return envelope("history", as_of=as_of, results=lines, skipped=skipped)


def as_text(lines: Sequence[Happening], skipped: Sequence[Skipped], *, colour: bool = False) -> str:
    """Returns one line per happening, oldest first, and under it the reason that was given."""
    skips = [(one.subject, one.reason, one.mend) for one in skipped]
    return "\n".join([*_table(lines, colour=colour), *unjudged(skips, colour=colour)])


def _table(lines: Sequence[Happening], *, colour: bool) -> list[str]:
    if not lines:
        return ["Nothing happened yet: it has a recipe and no version."]
    titles, *rows = table(TITLES, [_cells(line) for line in lines])
    text = [paint(titles, "heading", colour=colour)]
    for row, line in zip(rows, lines, strict=True):
        text += [row, *wrapped(details(line), indent="    ")]
        text += wrapped(line.because or "", indent="    ")
    return text


def _cells(line: Happening) -> tuple[str, ...]:
    return (line.at, line.what, str(line.version), line.by)


def details(line: Happening) -> str:
    """Returns what else is known of a happening: keys and values, separated by commas."""
    return ", ".join(f"{key} {_shown(value)}" for key, value in line.details.items())


def _shown(value: object) -> str:
    if isinstance(value, dict) and "md5" in value:
        return str(value["md5"])
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
