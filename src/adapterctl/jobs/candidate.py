"""A rebuilt candidate: judged against the old side, announced once, and reported.

Every rebuild ends here, whatever it was rebuilt from.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from adapterctl.jobs import judging, probe, sides
from adapterctl.jobs.building import Built
from adapterctl.jobs.effect import must_take_effect
from adapterctl.jobs.parity import Answers, OldSide, parity
from adapterctl.jobs.project import Project
from adapterctl.jobs.wishes import Steps, asked
from adapterctl.records.event import Event
from adapterctl.records.parity import ParityReport
from adapterctl.records.version import VersionRecord
from adapterctl.rules.aliases import aliases
from adapterctl.rules.outcomes import Rebuilt

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the gate says of a build; ``answers`` by side: ``old``, ``bare`` and ``adapter``."""

    report: ParityReport
    metrics: dict[str, dict[str, float]]
    answers: dict[str, Answers]


def judge(
    project: Project,
    place: Project,
    built: Built,
    *,
    device: str,
    old: Answers,
    old_side: OldSide,
    shared_by: int = 1,
) -> Steps[Judgement]:
    """Goes through the gate: the adapter has an effect, answers on every set, is compared.

    Args:
        project: whose policy judges.
        place: where the sources lie: the project, or a clean room.
        built: what is judged.
        device: ``auto``, ``cpu`` or ``cuda``.
        old: what the old side answers.
        old_side: how its answers came about.
        shared_by: how many candidates the level is shared out over.
    """
    sources = built.sources
    ask = partial(_both, project=project, place=place, built=built)
    bare, new = yield from asked(sources, ask, device=device)
    found = judging.judged(
        project,
        place,
        sources.recipe,
        rows=sources.rows,
        old=old,
        bare=bare.predictions,
        candidate=new.predictions,
    )
    report = parity(
        project,
        sources.recipe,
        old=found.old,
        bare=found.bare,
        candidate=found.candidate,
        old_side=old_side,
        shared_by=shared_by,
    )
    answers = {"old": found.old, "bare": found.bare or {}, "adapter": found.candidate}
    metrics = sides.scores(sources.recipe, found.candidate)
    return Judgement(report=found.told(report), metrics=metrics, answers=answers)


def _both(
    base: LoadedBase, *, project: Project, place: Project, built: Built
) -> tuple[sides.Evaluation, sides.Evaluation]:
    """Returns what base and candidate answer; the candidate is probed, and must change answers."""
    sources, folder = built.sources, built.folder
    must_take_effect(project, sources, base=base, adapter=folder)
    bare = sides.evaluate(place, sources, base=base, adapter=None, side="bare successor")
    new = sides.evaluate(place, sources, base=base, adapter=folder, side="candidate")
    probe.take(project, sources, base=base, adapter=folder)
    return bare, new


def announce(project: Project, record: VersionRecord, details: Mapping[str, Any]) -> None:
    """Notes the candidate, unless the version holds an alias already."""
    if record.version in aliases(project.registry.events(record.adapter)).values():
        return
    event = Event(
        event="candidate",
        version=record.version,
        at=project.stamp,
        by=project.by,
        because=f"rebuilt on {record.base.base}",
        details=dict(details),
    )
    project.registry.append_event(record.adapter, event)


def outcome(project: Project, record: VersionRecord, *, of: int, started: float) -> Rebuilt:
    """Returns what a rebuild of version ``of`` came to; it was ``started`` at a counter's time."""
    path = project.registry.record_path(record.adapter, record.version)
    origin = record.rebuilt_from
    return Rebuilt(
        adapter=record.adapter,
        from_version=of,
        to_version=record.version,
        base=record.base.base,
        rung=origin.rung if origin else None,
        report=origin.parity if origin else None,
        ladder=tuple(origin.ladder) if origin else (),
        seconds=round(time.perf_counter() - started, 1),
        record=path.relative_to(project.root).as_posix(),
    )
