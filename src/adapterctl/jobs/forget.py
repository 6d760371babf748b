"""Recording that an adapter's data were removed lawfully, and refusing to miss them afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.event import Event
from adapterctl.rules.data_pins import data_pins
from adapterctl.rules.recorded import recorded_pins
from adapterctl.rules.removal import REMOVED, Forgotten, Recorded, removal, said, sharing


def forget(project: Project, wanted: str, *, because: str) -> tuple[Forgotten, list[str]]:
    """Records that the data of a version, or of every version, of an adapter were removed.

    It deletes nothing: data lie where DVC and the bucket's owner keep them.

    Args:
        project: where.
        wanted: ``NAME@VERSION`` or ``NAME@ALIAS``; a bare ``NAME`` means all of its versions.
        because: on what ground, as whoever reads it later must know.

    Returns:
        what was recorded, and the files to add to git, relative to the root.

    Raises:
        InvalidInput: no such version, no reason, or a version that pins no data.
    """
    if not because.strip():
        raise InvalidInput.one("no reason", place="--because", hint="say on what ground")
    records = _meant(project, wanted)
    adapter, events = records[0].adapter, project.registry.events(records[0].adapter)
    new = [each for each in records if removal(events, each.version) is None]
    for record in new:
        details = {"data": [pin.path for pin in data_pins(record)]}
        event = Event(
            event=REMOVED,
            version=record.version,
            at=project.stamp,
            by=project.by,
            because=" ".join(because.split()),
            details=details,
        )
        project.registry.append_event(adapter, event)
    pins = {pin.sha256: pin for record in records for pin in data_pins(record)}
    forgotten = Forgotten(
        adapter=adapter,
        versions=[each.version for each in new],
        already=[each.version for each in records if each not in new],
        data=list(pins.values()),
        predictions=_predictions(records, events),
        shared=sharing(list(pins.values()), _others(project, records)),
    )
    path = project.registry.events_path(adapter).relative_to(project.root).as_posix()
    return forgotten, [path] if new else []


def _predictions(records: Sequence[AnyRecord], events: Sequence[Event]) -> list[Recorded]:
    return [
        Recorded(version=f"{record.adapter}@{record.version}", md5=pin.md5)
        for record in records
        for pin in recorded_pins(events, record.version)
    ]


def _meant(project: Project, wanted: str) -> list[AnyRecord]:
    adapter, version = project.version_of(wanted)
    if "@" in wanted:
        records = [project.registry.any_record(adapter, version)]
    else:
        records = list(project.registry.any_records(adapter))
    events = project.registry.events(adapter)
    if not any(data_pins(each) or recorded_pins(events, each.version) for each in records):
        raise InvalidInput.one("pins no data", place=wanted, hint=f"adapterctl show {wanted}")
    return records


def _others(project: Project, records: Sequence[AnyRecord]) -> list[AnyRecord]:
    """Returns every version that was not named and whose data count as there."""
    named = {(each.adapter, each.version) for each in records}
    found = []
    for adapter in project.registry.adapters():
        events = project.registry.events(adapter)
        for record in project.registry.any_records(adapter):
            gone = removal(events, record.version) is not None
            if not gone and (record.adapter, record.version) not in named:
                found.append(record)
    return found


def _concerns(event: Event, record: AnyRecord) -> bool:
    """Whether some of the data were removed; a record may read salvaged answers in their place."""
    removed = event.details.get("data")
    return removed is None or any(pin.path in removed for pin in data_pins(record))


def must_have_data(project: Project, record: AnyRecord) -> None:
    """Refuses to go on where an event says that the data were removed.

    Raises:
        NotFound: saying when, by whom and why.
    """
    event = removal(project.registry.events(record.adapter), record.version)
    if event is not None and _concerns(event, record):
        name = f"{record.adapter}@{record.version}"
        raise NotFound(
            f"its data were {said(event)}",
            place=name,
            hint="it serves as it is while its base lives; to replace it, register an adapter "
            "on data that may be used",
        )
