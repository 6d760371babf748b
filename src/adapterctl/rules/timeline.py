"""What happened to an adapter, registrations and events in one order of time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adapterctl.records.event import Event
from adapterctl.records.noun import Noun
from adapterctl.records.version import VersionRecord


class Happening(Noun, frozen=True, kw_only=True):
    """One line of an adapter's history; ``what`` is ``registered`` or an event's kind."""

    at: str
    what: str
    version: int
    by: str
    because: str | None
    details: dict[str, Any]


def timeline(records: Iterable[VersionRecord], events: Iterable[Event]) -> list[Happening]:
    """Returns registrations and events, oldest first.

    In the same second registrations come first and events keep the order of their ledger.
    """
    lines = [*map(_registered, records), *map(_happened, events)]
    return sorted(lines, key=lambda line: line.at)


def _registered(record: VersionRecord) -> Happening:
    rebuilt = record.rebuilt_from
    details: dict[str, Any] = {"base": record.base.base}
    if rebuilt is not None:
        details["rebuilt_from"] = rebuilt.version
        details["rung"] = rebuilt.rung
        details["verdict"] = rebuilt.parity.verdict
    return Happening(
        at=record.created,
        what="registered",
        version=record.version,
        by=record.created_by,
        because=None,
        details=details,
    )


def _happened(event: Event) -> Happening:
    return Happening(
        at=event.at,
        what=event.event,
        version=event.version,
        by=event.by,
        because=event.because,
        details=event.details,
    )
