"""Salvaging an adapter: its answers are kept while its base lives, for when its data are gone."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.jobs import clean_room, filing, sides
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.inputs.sources import Row, Sources, gather, raw_rows
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import compact
from adapterctl.records.event import Event
from adapterctl.records.recipe import Salvage
from adapterctl.records.version import DatasetPin, VersionRecord
from adapterctl.rules.overlap import input_text
from adapterctl.rules.recipes import SALVAGED_ROWS, TRAIN
from adapterctl.rules.removal import removal
from adapterctl.rules.salvage import SALVAGED, Salvaged, asked, derived, fresh, latest, made_up
from adapterctl.stores.files import write_atomically


def salvage(project: Project, wanted: str, *, device: str) -> tuple[Salvaged, list[str]]:
    """Asks a version prompts, keeps its answers under DVC, and notes the event.

    Returns:
        what was kept, and the files to add to git, relative to the root.

    Raises:
        NotFound: the base, or the rows that prompts are held against, are gone already.
        InvalidInput: no prompt is left.
    """
    adapter, version = project.version_of(wanted)
    record = project.registry.record(adapter, version)
    filing.must_be_writable(project, adapter)
    settings = project.registry.recipe(adapter).salvage or Salvage()
    checked(project, record.base)
    room = project.private / "work" / f"salvage-{adapter}-{version}"
    with alone(room):
        place = clean_room.unpack(project, record, room)
        clean_room.put_recorded_base(project, record, place.root)
        sources = gather(place, record.recipe, code=record.code.files)
        prompts = _prompts(project, sources, settings)
        seeds = [input_text(row) for rows in sources.rows.values() for row in rows]
        kept = [prompts[row] for row in fresh([input_text(row) for row in prompts], seeds)]
        rows = _answered(place, sources, kept, device=device)
    never = sorted(set(sources.labels) - {row["label"] for row in rows if "label" in row})
    found = Salvaged(
        pin=_pinned(project, record, rows),
        prompts="made up" if settings.prompts is None else "real",
        permission=settings.permission,
        dropped=len(prompts) - len(kept),
        never=never,
    )
    _note(project, record, found)
    return found, [found.pin.path + ".dvc", _events(project, adapter)]


def if_lost(project: Project, record: VersionRecord) -> VersionRecord:
    """Returns the record as it is; or, where its training data are gone, as salvage stands in."""
    kept = latest(project.registry.events(record.adapter), record.version)
    if kept is None or record.train.version_id is not None:
        return record
    removed = removal(project.registry.events(record.adapter), record.version) is not None
    if not removed and not project.dvc.missing([record.train.md5]):
        return record
    return derived(record, kept, removed=removed)


def _prompts(project: Project, sources: Sources, settings: Salvage) -> list[Row]:
    """Returns rows with some answer, for their form asks for one; nobody reads it."""
    example = sources.rows[TRAIN][0]
    filler = sources.labels[0] if sources.labels else "-"
    if settings.prompts is not None:
        rows = raw_rows(project, settings.prompts)
        return [asked(example, input_text(row), answer=filler) for row in rows]
    texts = [input_text(row) for row in sources.rows[TRAIN]]
    seed = sources.recipe.training.seed
    made = made_up(texts, count=settings.rows, seed=seed)
    return [asked(example, text, answer=filler) for text in made]


def _answered(
    place: Project, sources: Sources, rows: list[Row], *, device: str
) -> list[dict[str, Any]]:
    if not rows:
        raise InvalidInput.one(
            "no prompt is left: each is a row of the adapter's own data, or nearly",
            place="salvage",
            hint="give other prompts, or more: recipe.yaml, salvage: {prompts: PATH, rows: N}",
        )
    base = sides.open_base(sources, device=device)
    adapter = place.root / ".version" / "adapter"
    answers = sides.answers_to_training_rows(place, sources, rows, base=base, adapter=adapter)
    said = [one for one in zip(rows, answers, strict=True) if one[1].output.strip()]
    kept = [asked(row, input_text(row), answer=answer.output) for row, answer in said]
    if sources.labels:
        scores = [answer.scores for _, answer in said]
    else:
        scores = sides.likelihoods_of_training_rows(
            place, sources, kept, base=base, adapter=adapter
        )
    return [{**row, "scores": score} for row, score in zip(kept, scores, strict=True)]


def _pinned(project: Project, record: VersionRecord, rows: list[dict[str, Any]]) -> DatasetPin:
    """Writes the rows under DVC, by a name of their own, and pushes them."""
    content = b"".join(compact(row) + b"\n" for row in rows)
    short = hashlib.sha256(content).hexdigest()[:8]
    path = f"{SALVAGED_ROWS}{record.adapter}-{record.version}-{short}.jsonl"
    write_atomically(project.root / path, content)
    pin = msgspec.structs.replace(project.dvc.pin(path), rows=len(rows))
    project.dvc.push([pin], progress=project.display.progress)
    return pin


def _note(project: Project, record: VersionRecord, found: Salvaged) -> None:
    event = Event(
        event=SALVAGED,
        version=record.version,
        at=project.stamp,
        by=project.by,
        details=msgspec.to_builtins(found),
    )
    project.registry.append_event(record.adapter, event)


def _events(project: Project, adapter: str) -> str:
    return project.registry.events_path(adapter).relative_to(project.root).as_posix()
