"""Which data a version pins."""

from __future__ import annotations

from adapterctl.records.adopted import AnyRecord
from adapterctl.records.version import DatasetPin, VersionRecord


def data_pins(record: AnyRecord) -> list[DatasetPin]:
    """Returns the pins of every data set that a version's recipe reads, each path once."""
    if not isinstance(record, VersionRecord):
        return [record.train] if record.train is not None else []
    pool = [record.selection.pool] if record.selection is not None else []
    pins = {pin.path: pin for pin in [record.train, *record.evaluation.values(), *pool]}
    return list(pins.values())
