"""Rebuilding an adapter on a successor base: up the ladder, and the candidate on file.

Each step is journalled under ``.adapterctl/rebuilds/``; training resumes from its checkpoint.
"""

from __future__ import annotations

import time
from functools import partial

from adapterctl.errors import AdapterctlError, Refused
from adapterctl.jobs import building, clean_room, filing, sides
from adapterctl.jobs.candidate import announce, outcome
from adapterctl.jobs.filing import Filed
from adapterctl.jobs.hosted_rebuild import rebuild_hosted
from adapterctl.jobs.inputs import pinning
from adapterctl.jobs.inputs.base_folder import checked, locate
from adapterctl.jobs.inputs.sources import Sources, gather
from adapterctl.jobs.inputs.starting import start_digest
from adapterctl.jobs.journal import Journal
from adapterctl.jobs.ladder.climb import Climb, Job, Limits
from adapterctl.jobs.ladder.climbing import Summit, climb_up
from adapterctl.jobs.ladder.gate import read_answers
from adapterctl.jobs.locks import alone
from adapterctl.jobs.parity import Answers, OldSide
from adapterctl.jobs.plan import plan
from adapterctl.jobs.project import Project
from adapterctl.jobs.salvage import if_lost
from adapterctl.jobs.versions import Pins, Result, file_version
from adapterctl.records.version import RebuiltFrom, VersionRecord
from adapterctl.rules.lifecycle.lead_times import PLANNED_ON
from adapterctl.rules.outcomes import Rebuilt
from adapterctl.rules.planning.budgets import Budget, budget, must_afford
from adapterctl.rules.planning.ladder import SALVAGE, Ladder
from adapterctl.rules.planning.plans import RebuildPlan, decision
from adapterctl.rules.planning.saved import must_still_hold
from adapterctl.rules.recipe_changes import recipe_changes

ANY_HEIGHT = Limits()


def rebuild(
    project: Project,
    wanted: str,
    *,
    to: str,
    device: str,
    resume: bool,
    limits: Limits = ANY_HEIGHT,
) -> Rebuilt:
    """Rebuilds one version on the successor ``to`` and registers the candidate.

    Args:
        project: where.
        wanted: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        to: the successor base.
        device: ``auto``, ``cpu`` or ``cuda``.
        resume: go on with a rebuild that was interrupted.
        limits: how far up the ladder, and at what cost.

    Raises:
        Refused: the plan is blocked, every blocker is named; or it costs more than the limits say;
            or it is not the saved plan that the limits hold it to.
    """
    started = time.perf_counter()
    adapter, version = project.version_of(wanted)
    filing.must_be_writable(project, adapter)
    hosted = rebuild_hosted(project, adapter, version, to=to, device=device)
    if hosted is not None:
        return hosted
    folder = project.private / "rebuilds" / f"{adapter}-{version}-on-{to}"
    with alone(folder):
        journal = Journal(folder)
        job = _job(
            project, f"{adapter}@{version}", to=to, device=device, limits=limits, journal=journal
        )
        _begin(job, resume=resume)
        candidate = _run(job)
        journal.clear_away()
    return outcome(project, candidate, of=version, started=started)


def _job(
    project: Project, name: str, *, to: str, device: str, limits: Limits, journal: Journal
) -> Job:
    the_plan = plan(project, name, to=to, device=device)
    must_still_hold(limits.agreed, decision(the_plan))
    _must_not_be_blocked(the_plan, name)
    ladder, allowed = _affordable(project, the_plan, limits)
    record = project.registry.record(the_plan.adapter, the_plan.from_version)
    return Job(
        project=project,
        record=if_lost(project, record),
        plan=the_plan,
        ladder=ladder,
        budget=allowed,
        journal=journal,
        device=device,
    )


def _must_not_be_blocked(the_plan: RebuildPlan, name: str) -> None:
    to = the_plan.new_base
    if the_plan.blockers:
        raise Refused(
            f"the plan is blocked: {'; '.join(map(str, the_plan.blockers))}",
            place=f"{name} -> {to}",
            hint=f"adapterctl plan {name} --to {to}",
        )


def _affordable(
    project: Project, the_plan: RebuildPlan, limits: Limits
) -> tuple[Ladder, Budget | None]:
    ladder = the_plan.ladder.up_to(limits.highest)
    if not ladder.rungs:
        raise Refused(
            f"no rung up to {limits.highest!r} can be climbed",
            place=f"{the_plan.adapter}@{the_plan.from_version} -> {the_plan.new_base}",
            hint="; ".join(f"{one.rung}: {one.why}" for one in ladder.cannot),
        )
    allowed = budget(limits.budget, project.policy.prices) if limits.budget else None
    name = f"{the_plan.adapter}@{the_plan.from_version}"
    must_afford(ladder, allowed, place=f"{name} -> {the_plan.new_base}")
    return ladder, allowed


def _begin(job: Job, *, resume: bool) -> None:
    if not resume:
        job.journal.start_over()
    if not job.journal.done("planned"):
        job.journal.note("planned", at=job.project.stamp, to=job.plan.new_base)


def _run(job: Job) -> VersionRecord:
    """The same five again are the candidate that is there; else both sides, verdict, record."""
    place = clean_room.unpack(job.project, job.record, job.folder / "room")
    sources = _new_sources(job, place)
    begun = _pins(job, sources, origin=None).inputs
    known = _known(job, begun)
    if known is not None:
        filed = filing.finish(
            job.project, known, folder=None, new=False, announce=partial(_announce, job)
        )
        _mirrored(job, filed)
        return known
    if job.journal.done("mirrored"):
        job.journal.turn_over()  # it tells of a candidate that other inputs gave
        job.journal.note("planned", at=job.project.stamp, to=job.plan.proposed_recipe.base)
    old, old_side = _old_answers(job, place)
    climb = Climb(job=job, place=place, sources=sources, old=old, old_side=old_side)
    return _file(climb, climb_up(climb), begun=begun)


def _known(job: Job, begun: str) -> VersionRecord | None:
    """Returns the candidate that was rebuilt from this very version, as high as it may climb."""
    for record in job.project.registry.records(job.record.adapter):
        origin = record.rebuilt_from
        if origin is None or origin.version != job.record.version:
            continue
        if begun in (record.inputs_digest, origin.begun) and not _higher(job, origin):
            return record
    return None


def _higher(job: Job, origin: RebuiltFrom) -> bool:
    """Whether a rung is left to try that was not tried then; rebuilds without a ladder had one."""
    tried = {one.rung for one in origin.ladder} | {origin.rung}
    return origin.parity.verdict != "PASS" and any(
        rung.rung not in tried for rung in job.ladder.rungs
    )


def _new_sources(job: Job, place: Project) -> Sources:
    """Puts the successor and the mapped recipe into the room, and gathers there."""
    recipe = job.plan.proposed_recipe
    base = job.project.registry.base(recipe.base)
    clean_room.put_base(place.root, base, folder=locate(job.project, base))
    clean_room.put_recipe(place.root, recipe)
    return gather(place, recipe, code=job.record.code.files)


def _file(climb: Climb, summit: Summit, *, begun: str) -> VersionRecord:
    job, found = climb.job, summit.candidate
    judged = found.judged
    pins = _pins(job, found.sources, origin=start_digest(found.folder))
    origin = RebuiltFrom(
        version=job.record.version,
        base=job.record.base.base,
        rung=found.rung,
        parity=judged.report,
        changes=recipe_changes(job.record.recipe, found.sources.recipe),
        ladder=summit.ladder,
        derived=found.rung == SALVAGE,
        begun=None if pins.inputs == begun else begun,
    )
    filed = file_version(
        job.project,
        found.sources,
        pins,
        work=found.folder,
        code_root=climb.place.root,
        result=Result(
            training=judged.facts.training,
            prepared=judged.facts.prepared,
            metrics=judged.metrics,
            predictions=found.predictions,
            rebuilt_from=origin,
        ),
        announce=partial(_announce, job),
    )
    _mirrored(job, filed)
    return filed.record


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
        return read_answers(kept, "old", job.record.recipe.data.evaluation), "rerun"
    try:
        checked(job.project, job.record.base)
        clean_room.put_recorded_base(job.project, job.record, place.root)
    except AdapterctlError as error:
        job.project.display.say(
            f"the old base cannot run ({error.problems[0].what}): its recorded predictions serve"
        )
        job.journal.note("old side recorded", at=job.project.stamp)
        sets = job.record.recipe.data.evaluation
        return read_answers(place.root / ".version", "adapter", sets), "recorded"
    sources = gather(place, job.record.recipe, code=job.record.code.files)
    base = sides.open_base(sources, device=job.device)
    adapter = place.root / ".version" / "adapter"
    answers = sides.evaluate(place, sources, base=base, adapter=adapter, side=f"old {job.key}")
    filing.write_predictions(kept, "old", answers.predictions)
    job.journal.note("old side run", at=job.project.stamp)
    return answers.predictions, "rerun"


def _pins(job: Job, sources: Sources, *, origin: str | None) -> Pins:
    record = job.record
    data = {"train": record.train, **record.evaluation}
    if record.selection is not None:
        data["pool"] = record.selection.pool
    environment = building.running_environment(job.device, recipe=sources.recipe)
    inputs = pinning.inputs_digest(sources, data, environment=environment, origin=origin)
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
    announce(project, record, {PLANNED_ON: journal.steps["planned"].at.partition("T")[0]})
    journal.note("candidate", at=project.stamp, version=record.version)
