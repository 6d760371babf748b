"""The answer about one imported file."""

from __future__ import annotations

from datetime import date

from adapterctl.records.noun import Noun
from adapterctl.rules.feeds.rows import Feed, Refused
from adapterctl.rules.lifecycle.ledger import Intake


class Imported(Noun, frozen=True, kw_only=True):
    """What became of a file; the keys are the contract's (DESIGN.md, section 6).

    Attributes:
        read: records in the file, dated or not.
        recorded: keys that were not seen before.
        unchanged: dates that were known, those with a new source or successor included.
        moved: dates that differ from the known one.
        vanished: dates that were known and are no longer listed.
        refused: rows whose date cannot be taken.
    """

    feed: Feed
    file: str
    read: int
    recorded: int
    unchanged: int
    moved: int
    vanished: int
    refused: list[Refused]


class Import(Noun, frozen=True, kw_only=True):
    """The answer, and what stands behind its counts.

    Attributes:
        seen_on: the day of the snapshot.
        ledger: the file with new lines, relative to the project; ``None`` when nothing is new.
        names: likewise, of the other names that the snapshot states.
    """

    answer: Imported
    taken: Intake
    seen_on: date
    ledger: str | None
    names: str | None = None
