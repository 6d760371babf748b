"""The nouns that all feeds share: rows of a snapshot, and what was read out of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, Literal, TypeVar

import msgspec

from adapterctl.records.lifecycle import Kind, Naming, Observation, Phase
from adapterctl.records.noun import Noun
from adapterctl.rules.redaction import without_credentials

Feed = Literal["litellm", "deprecations-info", "modeldeprecations", "endoflife", "hub-cases"]

T = TypeVar("T")


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a feed's row: only what is read is named, all else is the feed's own business."""


@dataclass(frozen=True, kw_only=True)
class Row(Generic[T]):
    """One record of a feed.

    Attributes:
        key: what the feed tells its records apart by.
        digest: sha256 of the record's canonical JSON.
    """

    key: str
    digest: str
    data: T


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A feed's file as it stood on one day.

    Attributes:
        day: the day that the file or its name states.
        covers: how the keys begin that are all listed here: what is known under them and missing
            here has vanished. Every key begins with the empty text.
    """

    feed: Feed
    rows: list[Row[Any]]
    day: date | None = None
    covers: tuple[str, ...] = ("",)


class Refused(Noun, frozen=True, kw_only=True):
    """A row that states a date which cannot be taken, and why."""

    key: str
    why: str


@dataclass(kw_only=True)
class Reading:
    """What the rows of a snapshot say.

    Attributes:
        dated: one observation per row that states a date.
        refused: rows whose date cannot be taken; what was known of them stays.
        named: other names that rows state.
    """

    feed: Feed
    seen_on: date
    dated: list[Observation] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    named: list[Naming] = field(default_factory=list)

    def take(
        self,
        row: Row[Any],
        day: str,
        *,
        subject: str,
        source: str,
        phase: Phase = "serving",
        kind: Kind = "shutdown",
        provider: str | None = None,
        region: str | None = None,
        successor: str | None = None,
        note: str | None = None,
    ) -> None:
        """Adds a row's date, or refuses it when no calendar has it."""
        if not _is_day(day):
            self.refuse(row, f"not a day: {_short(day)!r}")
            return
        self.dated.append(
            Observation(
                subject=subject,
                phase=phase,
                kind=kind,
                date=day,
                source=without_credentials(source),
                seen_on=self.seen_on.isoformat(),
                key=key_of(self.feed, row.key),
                provider=provider,
                region=region,
                successor=successor,
                digest=row.digest,
                note=note,
            )
        )

    def name(self, row: Row[Any], name: str, *, same_as: str, source: str) -> None:
        """Adds another name of a base."""
        self.named.append(
            Naming(
                name=name,
                same_as=same_as,
                source=without_credentials(source),
                seen_on=self.seen_on.isoformat(),
                key=key_of(self.feed, row.key),
                digest=row.digest,
            )
        )

    def refuse(self, row: Row[Any], why: str) -> None:
        """Says why a row's date is not taken."""
        self.refused.append(Refused(key=row.key, why=why))


def key_of(feed: str, key: str) -> str:
    """Returns how the ledger calls a feed's record."""
    return f"{feed}:{key}"


def one_line(text: str) -> str:
    """Returns a feed's text without the line breaks and indents of the page it was read from."""
    return " ".join(text.split())


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
