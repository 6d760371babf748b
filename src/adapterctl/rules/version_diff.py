"""What changed between two versions, by room: base, data, code, recipe, environment, results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from adapterctl.records.adopted import AnyRecord
from adapterctl.records.noun import Noun
from adapterctl.records.parity import ParityReport
from adapterctl.records.version import FilePin, VersionRecord
from adapterctl.rules.environments import compared

Facts = dict[str, Any]
Metrics = Mapping[str, Mapping[str, float]]

ROOMS = ("base", "data", "code", "recipe", "environment", "results")

_ROOM_OF = {
    "base": "base",
    "train": "data",
    "evaluation": "data",
    "selection": "data",
    "prepared": "data",
    "code": "code",
    "recipe": "recipe",
    "environment": "environment",
    "lock": "environment",
    "config": "recipe",
    "peft_type": "recipe",
    "peft_release": "environment",
}
"""Field of a record, built or adopted, to room; what is not named here is a result."""

_LEFT_OUT = re.compile(
    r"(schema_version|adapter|version|created|created_by|inputs_digest|recipe_digest"
    r"|content_sha256)$"
    r"|recipe\.(adapter|base|preprocessing|data\.(train|evaluation\.[^.]+)\.path)$"
    r"|artifacts\.files\.|rebuilt_from\.(changes|ladder|begun|derived)\b"
)
"""What names a record, and what another path says already."""


class Difference(Noun, frozen=True, kw_only=True):
    """One fact that is not the same; ``None`` where a version does not have it.

    Attributes:
        path: dotted, from the room: ``lora.r``, ``files.prepare.py`` (its sha256).
    """

    path: str
    before: Any
    after: Any


class EnvironmentDifference(Difference, frozen=True, kw_only=True):
    """One fact of the environment, and whether the weights may depend on it."""

    can_change_results: bool


class Measured(Noun, frozen=True, kw_only=True):
    """One metric on one evaluation set, side by side."""

    set: str
    metric: str
    before: float | None
    after: float | None


class VersionDiff(Noun, frozen=True, kw_only=True):
    """What changed.

    Attributes:
        before: ``NAME@VERSION``.
        after: ``NAME@VERSION``.
        rooms: every room, also those in which nothing changed; the differences by path.
        metrics: every metric, also the equal ones.
    """

    before: str
    after: str
    rooms: dict[str, list[Difference]]
    metrics: list[Measured]


def diff(before: AnyRecord, after: AnyRecord) -> VersionDiff:
    """Returns what is different between two versions, of one adapter or of two."""
    old, new = _by_room(before), _by_room(after)
    rooms = {room: list(_differences(old[room], new[room])) for room in ROOMS}
    judged = _judge_environment(before, after, rooms["environment"])
    rooms["environment"] = list(judged)
    return VersionDiff(
        before=f"{before.adapter}@{before.version}",
        after=f"{after.adapter}@{after.version}",
        rooms=rooms,
        metrics=list(_side_by_side(_metrics(before), _metrics(after))),
    )


def _metrics(record: AnyRecord) -> Metrics:
    return record.metrics if isinstance(record, VersionRecord) else {}


def _by_room(record: AnyRecord) -> dict[str, Facts]:
    rooms: dict[str, Facts] = {room: {} for room in ROOMS}
    for path, value in _flat("", record):
        if not _LEFT_OUT.match(path):
            field = path.partition(".")[0]
            room = _ROOM_OF.get(field, "results")
            rooms[room][path.removeprefix(f"{room}.")] = value
    return rooms


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yields the leaves with their dotted paths; a list of files is a mapping to digests."""
    if isinstance(value, ParityReport):
        value = value.verdict
    if isinstance(value, list) and value and all(isinstance(one, FilePin) for one in value):
        value = {file.path: file.sha256 for file in value}
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), item)
    elif value is not msgspec.UNSET:
        yield path, msgspec.to_builtins(value)


def _differences(old: Facts, new: Facts) -> Iterator[Difference]:
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before != after and not (_is_nothing(before) and _is_nothing(after)):
            yield Difference(path=path, before=before, after=after)


def _is_nothing(value: Any) -> bool:
    """Whether a fact is missing: an empty list and no list say the same."""
    return value is None or value in ("", [])


def _judge_environment(
    before: AnyRecord, after: AnyRecord, found: Iterable[Difference]
) -> Iterator[EnvironmentDifference]:
    """Yields the differences with their weight; where a version is silent, anything may matter."""
    bearing: set[str] | None = None
    if isinstance(before, VersionRecord) and isinstance(after, VersionRecord):
        told = compared(before.environment, after.environment).can_change
        bearing = {"deterministic", *(line.partition(":")[0] for line in told)}
    for one in found:
        name = re.sub(r"^(distributions|variables)\.", "", one.path)
        yield EnvironmentDifference(
            path=one.path,
            before=one.before,
            after=one.after,
            can_change_results=bearing is None or name in bearing,
        )


def _side_by_side(old: Metrics, new: Metrics) -> Iterator[Measured]:
    names = {(name, metric) for side in (old, new) for name in side for metric in side[name]}
    for name, metric in sorted(names):
        yield Measured(
            set=name,
            metric=metric,
            before=old.get(name, {}).get(metric),
            after=new.get(name, {}).get(metric),
        )
