"""Bases that were removed, renamed or superseded on the Hugging Face Hub.

Only a removal is an end, and it is the weights' end. A base that was renamed or superseded can
still be fetched; that its two names are one repository is recorded of a renamed one.
"""

from __future__ import annotations

from adapterctl.rules.feeds.rows import Reading, Row, Stated

REMOVED = "removed"

RENAMED = ("renamed", "org-renamed")


class Case(Stated, frozen=True, kw_only=True):
    """What is read of one line."""

    kind: str
    hf_id: str
    evidence: str
    observed_on: str | None = None
    replacement: str | None = None
    replacement_status: str | None = None


def observe(row: Row[Case], reading: Reading) -> None:
    """Reads one case; the day that a removal was seen is the day by which it had ended."""
    stated = row.data
    if stated.kind in RENAMED and stated.replacement:
        reading.name(row, stated.hf_id, same_as=stated.replacement, source=stated.evidence)
        reading.refuse(row, f"{stated.kind}: no end; {stated.replacement} is its name now")
    elif stated.kind != REMOVED:
        reading.refuse(row, f"{stated.kind}: no end, the weights can still be fetched")
    elif not stated.observed_on:
        reading.refuse(row, "removed, and no day is stated")
    else:
        reading.take(
            row,
            stated.observed_on,
            subject=stated.hf_id,
            source=stated.evidence,
            phase="weights",
            successor=stated.replacement,
            note=stated.replacement_status,
        )
