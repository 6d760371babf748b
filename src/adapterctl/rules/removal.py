"""Data that were removed lawfully: an event says so, and nobody need cry tampering."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from adapterctl.records.adopted import AnyRecord
from adapterctl.records.event import Event
from adapterctl.records.noun import Noun
from adapterctl.records.version import DatasetPin
from adapterctl.rules.data_pins import data_pins

REMOVED: Final = "data_removed"


class Shared(Noun, frozen=True, kw_only=True):
    """A version of another adapter, or another version, that pins some of the same data."""

    version: str
    paths: list[str]


class Recorded(Noun, frozen=True, kw_only=True):
    """Predictions that were recorded for a version: they hold the answers to its rows."""

    version: str
    md5: str


class Forgotten(Noun, frozen=True, kw_only=True):
    """What was recorded of a removal.

    Attributes:
        versions: those whose data are recorded as removed now.
        already: those for which an event said so before.
        data: the pins that must not be found any more.
        predictions: recorded predictions, which answer these data and go with them.
        shared: versions that pin some of the same bytes and were not named.
    """

    adapter: str
    versions: list[int]
    already: list[int]
    data: list[DatasetPin]
    predictions: list[Recorded]
    shared: list[Shared]


def removal(events: Iterable[Event], version: int) -> Event | None:
    """Returns the event by which a version's data were removed; the first one counts."""
    found = (each for each in events if each.event == REMOVED and each.version == version)
    return next(found, None)


def said(event: Event) -> str:
    """Returns words for a removal: ``removed on 2026-11-23 by Ana: erasure request 12``."""
    because = f": {event.because}" if event.because else ""
    return f"removed on {event.at[:10]} by {event.by}{because}"


def sharing(removed: Sequence[DatasetPin], records: Iterable[AnyRecord]) -> list[Shared]:
    """Returns which of the other versions pin some of the same bytes."""
    gone = {pin.sha256 for pin in removed}
    found = []
    for record in records:
        paths = [pin.path for pin in data_pins(record) if pin.sha256 in gone]
        if paths:
            found.append(Shared(version=f"{record.adapter}@{record.version}", paths=paths))
    return found
