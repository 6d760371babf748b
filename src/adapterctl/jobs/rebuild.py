"""Rebuilding an adapter on a successor base: carried recipe, parity, a candidate on file.

Each step is journalled under ``.adapterctl/rebuilds/``; training resumes from its checkpoint.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from adapterctl.errors import AdapterctlError, Refused
from adapterctl.jobs import building, clean_room, filing, probe, sides
from adapterctl.jobs.effect import must_take_effect
from adapterctl.jobs.filing import Filed
from adapterctl.jobs.hosted_rebuild import rebuild_hosted
from adapterctl.jobs.inputs import pinning
from adapterctl.jobs.inputs.base_folder import checked, locate
from adapterctl.jobs.inputs.sources import Sources, gather
from adapterctl.jobs.journal import Journal
from adapterctl.jobs.locks import alone
from adapterctl.jobs.parity import Answers, OldSide, parity
from adapterctl.jobs.plan import plan
from adapterctl.jobs.project import Project
from adapterctl.jobs.versions import Pins, Result, file_version
from adapterctl.records.event import Event
from adapterctl.records.parity import ParityReport
from adapterctl.records.version import RebuiltFrom, VersionRecord
from adapterctl.rules.aliases import aliases
from adapterctl.rules.lifecycle.lead_times import PLANNED_ON
from adapterctl.rules.outcomes import Rebuilt
from adapterctl.rules.planning.plans import RebuildPlan

CARRIED = "carried recipe"
"""The first rung of the ladder: the old recipe, mapped to the successor."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One rebuild under way."""

    project: Project
    record: VersionRecord
    plan: RebuildPlan
    journal: Journal
    device: str

    @property
    def folder(self) -> Path:
        """Where the journal and everything half-done lie."""
        return self.journal.folder

    @property
    def key(self) -> str:
        """The old version, for digests and messages: ``support-router@1``."""
        return f"{self.record.adapter}@{self.record.version}"


def rebuild(project: Project, wanted: str, *, to: str, device: str, resume: bool) -> Rebuilt:
    """Rebuilds one version on the successor ``to`` and registers the candidate.

    Args:
        project: where.
        wanted: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        to: the successor base.
        device: ``auto``, ``cpu`` or ``cuda``.
        resume: go on with a rebuild that was interrupted.

    Raises:
        Refused: the plan is blocked; every blocker is named.
    """
    started = time.perf_counter()
    adapter, version = project.version_of(wanted)
    filing.must_be_writable(project, adapter)
    hosted = rebuild_hosted(project, adapter, version, to=to, device=device)
    if hosted is not None:
        return hosted
    folder = project.private / "rebuilds" / f"{adapter}-{version}-on-{to}"
    with alone(folder):
        job = _open(project, adapter, version, to=to, device=device, resume=resume, folder=folder)
        candidate, report = _run(job)
        job.journal.clear_away()
    path = project.registry.record_path(adapter, candidate.version)
    return Rebuilt(
        adapter=adapter,
        from_version=version,
        to_version=candidate.version,
        base=to,
        rung=CARRIED,
        report=report,
        seconds=round(time.perf_counter() - started, 1),
        record=path.relative_to(project.root).as_posix(),
    )


def _open(
    project: Project,
    adapter: str,
    version: int,
    *,
    to: str,
    device: str,
    resume: bool,
    folder: Path,
) -> Job:
    the_plan = plan(project, f"{adapter}@{version}", to=to)
    if the_plan.blockers:
        raise Refused(
            f"the plan is blocked: {'; '.join(map(str, the_plan.blockers))}",
            place=f"{adapter}@{version} -> {to}",
            hint=f"adapterctl plan {adapter}@{version} --to {to}",
        )
    journal = Journal(folder)
    if not resume:
        journal.start_over()
    if not journal.done("planned"):
        journal.note("planned", at=project.stamp, to=to)
    record = project.registry.record(adapter, version)
    return Job(project=project, record=record, plan=the_plan, journal=journal, device=device)


def _run(job: Job) -> tuple[VersionRecord, ParityReport]:
    """The same five again are the candidate that is there; else both sides, verdict, record."""
    place = clean_room.unpack(job.project, job.record, job.folder / "room")
    sources = _new_sources(job, place)
    pins = _pins(job, sources)
    known = _known(job, pins.inputs)
    if known is not None and known.rebuilt_from is not None:
        filed = filing.finish(
            job.project, known, folder=None, new=False, announce=partial(_announce, job)
        )
        _mirrored(job, filed)
        return known, known.rebuilt_from.parity
    if job.journal.done("mirrored"):
        job.journal.turn_over()  # it tells of a candidate that other inputs gave
        job.journal.note("planned", at=job.project.stamp, to=job.plan.proposed_recipe.base)
    old, old_side = _old_answers(job, place)
    return _build(job, sources, pins=pins, place=place, old=old, old_side=old_side)


def _known(job: Job, inputs: str) -> VersionRecord | None:
    """Returns the candidate that was rebuilt from this very version, if there is one."""
    for record in job.project.registry.records(job.record.adapter):
        origin = record.rebuilt_from
        if record.inputs_digest == inputs and origin and origin.version == job.record.version:
            return record
    return None


def _new_sources(job: Job, place: Project) -> Sources:
    """Puts the successor and the mapped recipe into the room, and gathers there."""
    recipe = job.plan.proposed_recipe
    base = job.project.registry.base(recipe.base)
    clean_room.put_base(place.root, base, folder=locate(job.project, base))
    clean_room.put_recipe(place.root, recipe)
    return gather(place, recipe, code=job.record.code.files)


def _build(
    job: Job,
    sources: Sources,
    *,
    pins: Pins,
    place: Project,
    old: Answers,
    old_side: OldSide,
) -> tuple[VersionRecord, ParityReport]:
    built = building.build(place, sources, work=job.folder, device=job.device)
    sources = built.sources
    job.journal.note("trained", at=job.project.stamp, steps=built.facts.training.steps)
    base = sides.open_base(sources, device=job.device)
    must_take_effect(job.project, sources, base=base, adapter=built.folder)
    bare = sides.evaluate(place, sources, base=base, adapter=None, side="bare successor")
    new = sides.evaluate(place, sources, base=base, adapter=built.folder, side="candidate")
    probe.take(job.project, sources, base=base, adapter=built.folder)
    report = parity(
        job.project,
        sources.recipe,
        old=old,
        bare=bare.predictions,
        candidate=new.predictions,
        old_side=old_side,
    )
    job.journal.note("judged", at=job.project.stamp, verdict=report.verdict)
    result = Result(
        training=built.facts.training,
        prepared=built.facts.prepared,
        metrics=new.metrics,
        predictions={"old": old, "bare": bare.predictions, "adapter": new.predictions},
        rebuilt_from=_origin(job, report),
    )
    return _file(job, sources, pins, place=place, result=result), report


def _file(
    job: Job, sources: Sources, pins: Pins, *, place: Project, result: Result
) -> VersionRecord:
    filed = file_version(
        job.project,
        sources,
        pins,
        work=job.folder,
        code_root=place.root,
        result=result,
        announce=partial(_announce, job),
    )
    _mirrored(job, filed)
    return filed.record


def _origin(job: Job, report: ParityReport) -> RebuiltFrom:
    return RebuiltFrom(
        version=job.record.version,
        base=job.record.base.base,
        rung=CARRIED,
        parity=report,
        changes=job.plan.changes_in_recipe,
    )


def _mirrored(job: Job, filed: Filed) -> None:
    if filed.pending is not None:
        job.project.display.say(filing.PENDING.format(reason=filed.pending))
        return  # what was not mirrored is not noted: --resume mirrors it, and sync does too
    job.journal.note("mirrored", at=job.project.stamp)


def _old_answers(job: Job, place: Project) -> tuple[Answers, OldSide]:
    """Runs the old adapter on the old base again, or takes its recorded predictions.

    What an interrupted rebuild has answered already is not asked again.
    """
    kept = job.folder / "answers"
    if job.journal.done("old side run"):
        return _read_answers(job, kept, "old"), "rerun"
    try:
        checked(job.project, job.record.base)
        clean_room.put_recorded_base(job.project, job.record, place.root)
    except AdapterctlError as error:
        job.project.display.say(
            f"the old base cannot run ({error.problems[0].what}): its recorded predictions serve"
        )
        job.journal.note("old side recorded", at=job.project.stamp)
        return _read_answers(job, place.root / ".version", "adapter"), "recorded"
    sources = gather(place, job.record.recipe, code=job.record.code.files)
    base = sides.open_base(sources, device=job.device)
    adapter = place.root / ".version" / "adapter"
    answers = sides.evaluate(place, sources, base=base, adapter=adapter, side=f"old {job.key}")
    filing.write_predictions(kept, "old", answers.predictions)
    job.journal.note("old side run", at=job.project.stamp)
    return answers.predictions, "rerun"


def _read_answers(job: Job, folder: Path, side: str) -> Answers:
    found = {
        name: filing.read_predictions(folder, side, name)
        for name in job.record.recipe.data.evaluation
    }
    return {name: answers for name, answers in found.items() if answers is not None}


def _pins(job: Job, sources: Sources) -> Pins:
    record = job.record
    data = {"train": record.train, **record.evaluation}
    if record.selection is not None:
        data["pool"] = record.selection.pool
    environment = building.running_environment(job.device, recipe=sources.recipe)
    inputs = pinning.inputs_digest(sources, data, environment=environment, origin=None)
    return Pins(
        data=data,
        selection=record.selection,
        code=record.code,
        environment=environment,
        inputs=inputs,
    )


def _announce(job: Job, record: VersionRecord) -> None:
    """Notes the candidate, once; the day of its plan is that of the journal."""
    project, journal = job.project, job.journal
    journal.note("filed", at=project.stamp, version=record.version)
    held = aliases(project.registry.events(record.adapter))
    if record.version not in held.values():
        event = Event(
            event="candidate",
            version=record.version,
            at=project.stamp,
            by=project.by,
            because=f"rebuilt on {record.base.base}",
            details={PLANNED_ON: journal.steps["planned"].at.partition("T")[0]},
        )
        project.registry.append_event(record.adapter, event)
    journal.note("candidate", at=project.stamp, version=record.version)
