"""Rebuilding an adapter on a successor base: carried recipe, parity, a candidate on file.

Each step is journalled under ``.adapterctl/rebuilds/``; training resumes from its checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adapterctl.errors import AdapterctlError, InvalidInput, Refused
from adapterctl.jobs import building, capsule, filing, pinning, register
from adapterctl.jobs.base_folder import checked, locate
from adapterctl.jobs.journal import Journal
from adapterctl.jobs.plan import plan
from adapterctl.jobs.project import Project
from adapterctl.jobs.sources import Sources, gather
from adapterctl.records.event import Event
from adapterctl.records.parity import ParityReport, Prediction
from adapterctl.records.recipe import Margin, Recipe
from adapterctl.records.version import RebuiltFrom, VersionRecord
from adapterctl.rules.aliases import aliases
from adapterctl.rules.lifecycle import PLANNED_ON
from adapterctl.rules.outcomes import Rebuilt
from adapterctl.rules.parity import judge
from adapterctl.rules.plans import RebuildPlan
from adapterctl.rules.side_by_side import SideBySide

CARRIED = "carried recipe"
"""The first rung of the ladder: the old recipe, mapped to the successor."""

Answers = dict[str, list[Prediction]]
OldSide = Literal["rerun", "recorded"]


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


def on_base(project: Project, base: str) -> list[str]:
    """Returns the adapters whose judged version stands on ``base``."""
    names = [name for name in project.registry.adapters() if project.registry.versions(name)]
    versions = [project.version_of(name) for name in names]
    return [n for n, v in versions if project.registry.record(n, v).base.base == base]


def rebuild_all(
    project: Project, wanted: Sequence[str], *, to: str, device: str, resume: bool
) -> Iterator[Rebuilt]:
    """Rebuilds one adapter after the other; what stops one of several concerns it alone."""
    for name in wanted:
        try:
            yield rebuild(project, name, to=to, device=device, resume=resume)
        except AdapterctlError as error:
            if len(wanted) == 1:
                raise
            adapter, version = project.version_of(name)
            yield Rebuilt(adapter=adapter, from_version=version, base=to, error=str(error))


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
    folder = project.private / "rebuilds" / f"{adapter}-{version}-on-{to}"
    with register.alone(folder):
        job = _open(project, adapter, version, to=to, device=device, resume=resume, folder=folder)
        candidate, report = _run(job)
    building.discard(folder)
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
    """Old side, candidate, bare successor, verdict, record."""
    project, record = job.project, job.record
    place = capsule.unpack(project, record, job.folder / "capsule")
    old, old_side = _old_answers(job, place)
    new_base = project.registry.base(job.plan.proposed_recipe.base)
    capsule.put_base(place.root, new_base, folder=locate(project, new_base))
    capsule.put_recipe(place.root, job.plan.proposed_recipe)
    sources = gather(place, job.plan.proposed_recipe)
    pins = _pins(job, sources)
    known = filing.find(project, record.adapter, pins.inputs)
    if known is not None and known.rebuilt_from is not None:
        _make_candidate(project, known)
        filing.finish(project, known, folder=None, new=False)
        return known, known.rebuilt_from.parity
    return _build(job, sources, pins=pins, place=place, old=old, old_side=old_side)


def _build(
    job: Job,
    sources: Sources,
    *,
    pins: register.Pins,
    place: Project,
    old: Answers,
    old_side: OldSide,
) -> tuple[VersionRecord, ParityReport]:
    built = building.build(place, sources, work=job.folder, device=job.device)
    job.journal.note("trained", at=job.project.stamp, steps=built.facts.training.steps)
    base = building.open_base(sources, device=job.device)
    bare = building.evaluate(place, sources, base=base, adapter=None, side="bare successor")
    new = building.evaluate(place, sources, base=base, adapter=built.folder, side="candidate")
    report = parity(
        job.project,
        sources.recipe,
        old=old,
        bare=bare.predictions,
        candidate=new.predictions,
        old_side=old_side,
    )
    job.journal.note("judged", at=job.project.stamp, verdict=report.verdict)
    version = job.folder / "version"
    for side, answers in (("old", old), ("bare", bare.predictions), ("adapter", new.predictions)):
        filing.write_predictions(version, side, answers)
    filed = _file(job, place, sources, pins=pins, built=built, report=report, metrics=new.metrics)
    return filed, report


def _file(
    job: Job,
    place: Project,
    sources: Sources,
    *,
    pins: register.Pins,
    built: building.Built,
    report: ParityReport,
    metrics: dict[str, dict[str, float]],
) -> VersionRecord:
    result = register.Result(
        training=built.facts.training,
        prepared=built.facts.prepared,
        metrics=metrics,
        code=job.record.code,
        rebuilt_from=RebuiltFrom(
            version=job.record.version,
            base=job.record.base.base,
            rung=CARRIED,
            parity=report,
            changes=job.plan.changes_in_recipe,
        ),
    )
    filed = register.file_version(
        job.project, sources, pins, work=job.folder, code_root=place.root, result=result
    )
    job.journal.note("filed", at=job.project.stamp, version=filed.record.version)
    _make_candidate(job.project, filed.record)
    pending = filing.mirror(job.project, filed.record, folder=job.folder / "version")
    if pending is not None:
        job.project.display.say(filing.PENDING.format(reason=pending))
    return filed.record


def _old_answers(job: Job, place: Project) -> tuple[Answers, OldSide]:
    """Runs the old adapter on the old base again, or takes its recorded predictions."""
    try:
        checked(job.project, job.record.base)
    except AdapterctlError as error:
        job.project.display.say(
            f"the old base cannot run ({error.problems[0].what}): its recorded predictions serve"
        )
        return _recorded(job, place), "recorded"
    sources = gather(place, job.record.recipe)
    base = building.open_base(sources, device=job.device)
    adapter = place.root / ".version" / "adapter"
    answers = building.evaluate(place, sources, base=base, adapter=adapter, side=f"old {job.key}")
    job.journal.note("old side run", at=job.project.stamp)
    return answers.predictions, "rerun"


def _recorded(job: Job, place: Project) -> Answers:
    found = {
        name: filing.read_predictions(place.root / ".version", "adapter", name)
        for name in job.record.recipe.data.evaluation
    }
    return {name: answers for name, answers in found.items() if answers is not None}


def parity(
    project: Project,
    recipe: Recipe,
    *,
    old: Answers,
    bare: Answers | None,
    candidate: Answers,
    old_side: OldSide,
) -> ParityReport:
    """Compares three sides on every evaluation set, by the recipe's margins or the policy's.

    Raises:
        InvalidInput: a set has no recorded answers of the old side.
    """
    policy = project.policy.parity
    numbers = {name: value for name, value in recipe.parity.items() if isinstance(value, float)}
    return judge(
        [
            SideBySide(
                set=name,
                metrics=list(evaluation.metrics),
                old=_side(old, name),
                candidate=_side(candidate, name),
                bare=None if bare is None else _side(bare, name),
            )
            for name, evaluation in recipe.data.evaluation.items()
        ],
        margins={name: value for name, value in recipe.parity.items() if isinstance(value, dict)},
        default_margin=Margin(margin=policy.margin),
        flip_limit=numbers.get("negative_flips", policy.negative_flips),
        flip_drop=numbers.get("flip_drop", policy.flip_drop),
        level=policy.level,
        old_side=old_side,
        seed=recipe.training.seed,
    )


def _side(answers: Answers, name: str) -> list[Prediction]:
    if name not in answers:
        raise InvalidInput.one(
            f"no answers were recorded on the evaluation set {name!r}",
            hint="put the old base back, so that the old adapter can answer",
        )
    return answers[name]


def _pins(job: Job, sources: Sources) -> register.Pins:
    record = job.record
    data = {"train": record.train, **record.evaluation}
    if record.selection is not None:
        data["pool"] = record.selection.pool
    environment = building.running_environment(job.device)
    inputs = pinning.inputs_digest(
        sources, data, environment=environment, origin=f"rebuilt from {job.key}"
    )
    return register.Pins(
        data=data, selection=record.selection, environment=environment, inputs=inputs
    )


def _make_candidate(project: Project, record: VersionRecord) -> None:
    """Notes the candidate, once."""
    held = aliases(project.registry.events(record.adapter))
    if record.version in held.values():
        return
    event = Event(
        event="candidate",
        version=record.version,
        at=project.stamp,
        by=project.by,
        because=f"rebuilt on {record.base.base}",
        details={PLANNED_ON: project.today.isoformat()},
    )
    project.registry.append_event(record.adapter, event)
