"""What happened to an adapter, registrations and events in one order of time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adapterctl.records.adopted import AnyRecord
from adapterctl.records.event import Event
from adapterctl.records.noun import Noun
from adapterctl.records.version import VersionRecord
from adapterctl.rules.standing import base_of


class Happening(Noun, frozen=True, kw_only=True):
    """One line of a history; ``what`` is ``registered``, ``imported`` or an event's kind."""

    at: str
    what: str
    version: int
    by: str
    because: str | None
    details: dict[str, Any]


def timeline(records: Iterable[AnyRecord], events: Iterable[Event]) -> list[Happening]:
    """Returns registrations and events, oldest first.

    In the same second registrations come first and events keep the order of their ledger.
    """
    lines = [*map(_registered, records), *map(_happened, events)]
    return sorted(lines, key=lambda line: line.at)


def _registered(record: AnyRecord) -> Happening:
    here = isinstance(record, VersionRecord)
    rebuilt = record.rebuilt_from if isinstance(record, VersionRecord) else None
    details: dict[str, Any] = {"base": base_of(record, None)}
    if rebuilt is not None:
        details["derived_from" if rebuilt.derived else "rebuilt_from"] = rebuilt.version
        details["rung"] = rebuilt.rung
        details["verdict"] = rebuilt.parity.verdict
    return Happening(
        at=record.created,
        what="registered" if here else "imported",
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
