"""Moving aliases: promote, roll back, retire; each an event with who, when and why."""

from __future__ import annotations

import difflib
import io
from collections.abc import Mapping
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput, Refused
from adapterctl.jobs import filing
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.event import Event, EventKind
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import VersionRecord
from adapterctl.rules.aliases import aliases
from adapterctl.rules.campaign.promotions import Moved
from adapterctl.stores.files import write_atomically

MAPPED_FIELDS: tuple[tuple[str, ...], ...] = (
    ("base",),
    ("lora", "target_modules"),
    ("lora", "exclude_modules"),
    ("lora", "modules_to_save"),
    ("lora", "rank_pattern"),
    ("lora", "alpha_pattern"),
    ("lora", "layers_to_transform"),
    ("lora", "layers_pattern"),
    ("lora", "fan_in_fan_out"),
    ("training", "learning_rate"),
    ("training", "max_length"),
    ("role_map",),
    ("thresholds",),
)
"""What a plan may map to a successor, and a promotion therefore writes back into recipe.yaml."""


def promote(project: Project, wanted: str, *, because: str | None) -> Moved:
    """Makes a version the champion.

    Raises:
        InvalidInput: no version or alias is named.
        Refused: no passed report speaks for it, and no reason is given. A first champion that
            was not rebuilt needs neither.
    """
    if "@" not in wanted:
        raise InvalidInput.one(
            f"which version of {wanted!r}?", hint=f"adapterctl promote {wanted}@candidate"
        )
    adapter, version = project.version_of(wanted)
    record = project.registry.any_record(adapter, version)
    lacking = _lacking(project, record)
    if lacking is not None and not (because or "").strip():
        raise Refused(
            f"{adapter}@{version} has no passed parity report: {lacking}",
            hint=f'adapterctl promote {adapter}@{version} --because "..." records your reason',
        )
    return move(project, record, kind="promoted", because=because)


def _lacking(project: Project, record: AnyRecord) -> str | None:
    """Returns why no report speaks for a version, if it needs one."""
    champion = aliases(project.registry.events(record.adapter)).get("champion")
    if champion == record.version:
        return None
    rebuilt = record.rebuilt_from if isinstance(record, VersionRecord) else None
    if rebuilt is not None:
        return None if rebuilt.parity.verdict == "PASS" else rebuilt.parity.verdict
    if champion is None:
        return None
    return f"it was not rebuilt, and nothing compares it with the champion, @{champion}"


def retire(project: Project, adapter: str, *, because: str) -> Moved:
    """Ends an adapter's service: it holds no alias any more and is audited no longer."""
    name, version = project.version_of(adapter)
    before = aliases(project.registry.events(name))
    record = project.registry.any_record(name, version)
    _append(project, record, kind="retired", because=because)
    pending = filing.mirror(project, record, folder=None)
    return Moved(
        adapter=name,
        version=version,
        before=before,
        after={},
        diff="",
        pending=pending,
        written=(_shown(project, name),),
    )


def move(project: Project, record: AnyRecord, *, kind: EventKind, because: str | None) -> Moved:
    """Writes the event, brings recipe.yaml in line with the version, and moves the alias."""
    adapter = record.adapter
    before = aliases(project.registry.events(adapter))
    edited = _recipe_in_line(project, record)  # what cannot be edited is found before the event
    if before.get("champion") != record.version:
        _append(project, record, kind=kind, because=because)
    diff = _carry_into_recipe(project, adapter, edited)
    pending = filing.mirror(project, record, folder=None)
    recipe = project.registry.recipe_path(adapter)
    changed = [recipe.relative_to(project.root).as_posix()] if diff else []
    return Moved(
        adapter=adapter,
        version=record.version,
        before=before,
        after=aliases(project.registry.events(adapter)),
        diff=diff,
        pending=pending,
        written=(_shown(project, adapter), *changed),
    )


def _append(project: Project, record: AnyRecord, *, kind: EventKind, because: str | None) -> None:
    event = Event(
        event=kind, version=record.version, at=project.stamp, by=project.by, because=because
    )
    project.registry.append_event(record.adapter, event)


def _shown(project: Project, adapter: str) -> str:
    return project.registry.events_path(adapter).relative_to(project.root).as_posix()


def _recipe_in_line(project: Project, record: AnyRecord) -> str | None:
    """Returns recipe.yaml with base and mapped fields of a rebuilt version; ``None`` as it is.

    Raises:
        InvalidInput: today's recipe cannot be read.
    """
    path = project.registry.recipe_path(record.adapter)
    if not path.is_file() or not isinstance(record, VersionRecord):
        return None
    today = project.registry.recipe(record.adapter)
    wanted = {field: _get(record.recipe, field) for field in MAPPED_FIELDS}
    changed = {field: value for field, value in wanted.items() if _get(today, field) != value}
    if not changed or today.base == record.base.base:
        return None
    return _edited(path.read_text(encoding="utf-8"), changed)


def _carry_into_recipe(project: Project, adapter: str, after: str | None) -> str:
    """Writes the recipe as it was brought in line; returns the diff."""
    if after is None:
        return ""
    path = project.registry.recipe_path(adapter)
    before = path.read_text(encoding="utf-8")
    write_atomically(path, after.encode())
    shown = path.relative_to(project.root).as_posix()
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), shown, shown
    )
    return "".join(lines)


def _get(recipe: Recipe, field: tuple[str, ...]) -> Any:
    value: Any = msgspec.to_builtins(recipe)
    for key in field:
        value = value[key]
    return value


def _edited(text: str, changed: Mapping[tuple[str, ...], Any]) -> str:
    """Returns the YAML text with some values replaced, comments and order kept."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.width = 4096
    yaml.preserve_quotes = True
    data = yaml.load(text)
    for field, value in changed.items():
        place = data
        for key in field[:-1]:
            place = place.setdefault(key, {})
        if value is None or value == {}:
            place.pop(field[-1], None)
        else:
            place[field[-1]] = value
    buffer = io.StringIO()
    yaml.dump(data, buffer)
    return buffer.getvalue()
