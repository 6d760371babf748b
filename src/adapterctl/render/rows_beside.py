"""Rows of a comparison, one under the other, for a person to read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from adapterctl.render.plain import plain_text
from adapterctl.render.table import WIDTH
from adapterctl.rules.parity.reading import RowBeside, RowsBeside

LONGEST = 400
"""Characters of a text that are shown; JSON holds the whole."""

_TITLES = {
    "flipped": "right before, wrong now",
    "changed": "another answer, right or wrong unknown",
}


def as_text(found: RowsBeside) -> str:
    """Returns the rows, and how many there are in all."""
    return "\n".join(_lines(found))


def _lines(found: RowsBeside) -> Iterator[str]:
    shown = len(found.rows)
    rest = f", the first {shown:,} of them" if shown < found.total else ""
    yield f"Rows to read: {found.total:,}{rest}"
    for row in found.rows:
        yield ""
        yield from _row(row)


def _row(row: RowBeside) -> Iterator[str]:
    part = "" if row.slice is None else f" ({plain_text(row.slice)})"
    yield f"{row.set} {plain_text(row.id)}{part}: {_TITLES[row.how]}"
    told = {"asked": row.asked, "right": row.reference, "old": row.old, "new": row.candidate}
    digests = {"old": row.old_sha256, "new": row.candidate_sha256}
    for name, text in told.items():
        if text is not None:
            yield _text(name, text)
    for name, digest in digests.items():
        if digest is not None:
            yield f"  {name:<6} sha256 {digest[:24]}"


def _text(name: str, text: str) -> str:
    shown = plain_text(text)
    cut = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."
    lead = f"  {name:<6} "
    return textwrap.fill(
        cut or "(nothing)", WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead)
    )
