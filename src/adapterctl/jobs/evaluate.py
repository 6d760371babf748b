"""Evaluating one adapter: a registered version, or a folder that a stage trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapterctl.jobs import filing, sides
from adapterctl.jobs.clean_room import put_recorded_base, unpack
from adapterctl.jobs.inputs.sources import gather
from adapterctl.jobs.judging import against_references
from adapterctl.jobs.project import Project
from adapterctl.jobs.recorded import record_endpoint
from adapterctl.jobs.sides import Evaluation
from adapterctl.records.canonical import pretty
from adapterctl.records.event import Event
from adapterctl.stores.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Metrics by set, the version they belong to (None for a folder), and files to add to git."""

    adapter: str
    version: int | None
    metrics: dict[str, dict[str, float]]
    written: tuple[str, ...] = ()


def evaluate_folder(
    project: Project, adapter: str, *, folder: Path, out: Path | None, device: str
) -> Evaluated:
    """Evaluates a PEFT folder on the sets of today's recipe; writes the metrics to ``out``."""
    sources = gather(project, project.registry.recipe(adapter))
    base = sides.open_base(sources, device=device)
    answers = sides.evaluate(project, sources, base=base, adapter=folder, side=adapter)
    answers = sides.judged(project, sources, answers)
    if out is not None:
        write_atomically(out, pretty(answers.metrics))
    return Evaluated(adapter=adapter, version=None, metrics=answers.metrics)


def evaluate_version(project: Project, wanted: str, *, out: Path | None, device: str) -> Evaluated:
    """Evaluates a registered version on its pinned sets again, and notes it as an event."""
    adapter, version = project.version_of(wanted)
    metrics = answers_of(project, adapter, version, device=device).metrics
    event = Event(
        event="evaluated",
        version=version,
        at=project.stamp,
        by=project.by,
        details={"metrics": metrics},
    )
    project.registry.append_event(adapter, event)
    if out is not None:
        write_atomically(out, pretty(metrics))
    return Evaluated(adapter=adapter, version=version, metrics=metrics)


def evaluate_endpoint(
    project: Project,
    wanted: str,
    *,
    url: str,
    served_as: str | None,
    key: str | None,
    out: Path | None,
) -> Evaluated:
    """Evaluates a version where it is served, and records its predictions."""
    found = record_endpoint(project, wanted, url=url, served_as=served_as, key=key)
    if out is not None:
        write_atomically(out, pretty(found.metrics))
    return Evaluated(
        adapter=found.adapter, version=found.version, metrics=found.metrics, written=found.written
    )


def answers_of(project: Project, adapter: str, version: int, *, device: str) -> Evaluation:
    """Runs a registered version on its own base and its pinned evaluation sets."""
    record = project.registry.record(adapter, version)
    room = unpack(project, record, project.private / "evaluations" / f"{adapter}-{version}")
    put_recorded_base(project, record, room.root)
    sources = gather(room, record.recipe, code=record.code.files)
    base = sides.open_base(sources, device=device)
    folder = filing.fetched(project, record) / "adapter"
    side = f"{adapter}@{version}"
    found = sides.evaluate(project, sources, base=base, adapter=folder, side=side)
    answers = against_references(
        project, room, record.recipe, rows=sources.rows, answers=found.predictions
    )
    return Evaluation(predictions=answers, metrics=sides.scores(record.recipe, answers))
