"""Rebuilding an adapter on a successor base: up the ladder, and the candidate on file.

Each step is journalled under ``.adapterctl/rebuilds/``; training resumes from its checkpoint.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.jobs import building, clean_room, filing, sides
from adapterctl.jobs.candidate import announce, outcome
from adapterctl.jobs.filing import Filed
from adapterctl.jobs.hosted_rebuild import moving
from adapterctl.jobs.inputs import pinning
from adapterctl.jobs.inputs.base_folder import checked, locate
from adapterctl.jobs.inputs.sources import Sources, gather
from adapterctl.jobs.inputs.starting import start_digest
from adapterctl.jobs.journal import Journal
from adapterctl.jobs.ladder.climb import Climb, Job
from adapterctl.jobs.ladder.climbing import Summit, climb_up
from adapterctl.jobs.ladder.gate import read_answers
from adapterctl.jobs.locks import alone
from adapterctl.jobs.noise_floor import Noise, floored
from adapterctl.jobs.orders import Climbing, Moving
from adapterctl.jobs.parity import Answers, OldSide
from adapterctl.jobs.project import Project
from adapterctl.jobs.recalibration import set_anew
from adapterctl.jobs.salvage import if_lost
from adapterctl.jobs.versions import Pins, Result, file_version
from adapterctl.jobs.wishes import Steps, asked
from adapterctl.records.parity import NegativeFlips
from adapterctl.records.version import Environment, RebuiltFrom, VersionRecord
from adapterctl.rules.lifecycle.lead_times import PLANNED_ON
from adapterctl.rules.outcomes import Rebuilt
from adapterctl.rules.planning.ladder import SALVAGE
from adapterctl.rules.recipe_changes import recipe_changes

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase


def rebuilding(ready: Climbing | Moving) -> Steps[Rebuilt]:
    """Rebuilds one version, step by step, and registers the candidate.

    Raises:
        AdapterctlError: what stopped it; what was finished is in its journal.
    """
    started = time.perf_counter()
    match ready:
        case Moving():
            candidate = yield from moving(
                ready.order.project,
                ready.old,
                to=ready.order.to,
                device=ready.order.device,
                seeds=ready.order.limits.noise_floor,
            )
        case Climbing():
            candidate = yield from _climbing(ready)
    order = ready.order
    done = outcome(order.project, candidate, of=order.version, started=started)
    due = ready.due
    return replace(done, rebuild_by=due.rebuild_by, slack_days=due.slack_days)


def _climbing(ready: Climbing) -> Steps[VersionRecord]:
    order = ready.order
    folder = order.project.private / "rebuilds" / f"{order.adapter}-{order.version}-on-{order.to}"
    with alone(folder):
        journal = Journal(folder)
        record = order.project.registry.record(order.adapter, order.version)
        job = Job(
            project=order.project,
            record=if_lost(order.project, record),
            plan=ready.plan,
            ladder=ready.ladder,
            budget=ready.budget,
            journal=journal,
            device=order.device,
            seeds=order.limits.noise_floor,
        )
        _begin(job, resume=order.resume)
        candidate = yield from _run(job)
        journal.clear_away()
    return candidate


def _begin(job: Job, *, resume: bool) -> None:
    if not resume:
        job.journal.start_over()
    if not job.journal.done("planned"):
        job.journal.note("planned", at=job.project.stamp, to=job.plan.new_base)


def _run(job: Job) -> Steps[VersionRecord]:
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
        if job.seeds and not any(each.floor for each in _flips(known)):
            name = f"{known.adapter}@{known.version}"
            job.project.display.say(
                f"{name} is on file without a noise floor: adapterctl compare {job.key} {name} "
                f"--noise-floor {job.seeds}"
            )
        return known
    if job.journal.done("mirrored"):
        job.journal.turn_over()  # it tells of a candidate that other inputs gave
        job.journal.note("planned", at=job.project.stamp, to=job.plan.proposed_recipe.base)
    old, old_side = yield from _old_answers(job, place)
    climb = Climb(job=job, place=place, sources=sources, old=old, old_side=old_side)
    summit = yield from climb_up(climb)
    summit = yield from set_anew(climb, summit)
    summit = yield from _above_noise(climb, summit)
    return _file(climb, summit, begun=begun)


def _above_noise(climb: Climb, summit: Summit) -> Steps[Summit]:
    """Puts a noise floor under the flips of the candidate that will be filed, if one is wanted."""
    job, found = climb.job, summit.candidate
    noise = Noise(
        project=job.project,
        place=climb.place,
        sources=found.sources,
        built=found.folder,
        seeds=job.seeds,
        device=job.device,
    )
    candidate = found.predictions["adapter"]
    report = yield from floored(noise, found.judged.report, candidate=candidate)
    judged = msgspec.structs.replace(found.judged, report=report)
    return replace(summit, candidate=replace(found, judged=judged))


def _flips(record: VersionRecord) -> list[NegativeFlips]:
    return record.rebuilt_from.parity.negative_flips if record.rebuilt_from else []


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
    where = judged.facts.environment
    pins = _pins(job, found.sources, origin=start_digest(found.folder), trained_in=where)
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


def _old_answers(job: Job, place: Project) -> Steps[tuple[Answers, OldSide]]:
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
    adapter = place.root / ".version" / "adapter"

    def ask(base: LoadedBase) -> sides.Evaluation:
        return sides.evaluate(place, sources, base=base, adapter=adapter, side=f"old {job.key}")

    answers = yield from asked(sources, ask, device=job.device)
    filing.write_predictions(kept, "old", answers.predictions)
    job.journal.note("old side run", at=job.project.stamp)
    return answers.predictions, "rerun"


def _pins(
    job: Job, sources: Sources, *, origin: str | None, trained_in: Environment | None = None
) -> Pins:
    record = job.record
    data = {"train": record.train, **record.evaluation}
    if record.selection is not None:
        data["pool"] = record.selection.pool
    environment = trained_in or building.running_environment(job.device, recipe=sources.recipe)
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
