"""Rebuilding a fine-tune that lives at a provider onto open weights, by its recipe.

There is no old base to run: the predictions that were recorded for it are the old side.
"""

from __future__ import annotations

import re
from functools import partial

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.jobs import building, filing, gates, wishes
from adapterctl.jobs.building import Build
from adapterctl.jobs.candidate import Judgement, announce, judge
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.locks import alone
from adapterctl.jobs.noise_floor import Noise, floored
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.jobs.recorded import recorded
from adapterctl.jobs.register import pin
from adapterctl.jobs.versions import Pins, Result, file_version
from adapterctl.jobs.wishes import Steps
from adapterctl.records.adopted import AdoptedVersion
from adapterctl.records.parity import ParityReport
from adapterctl.records.version import RebuiltFrom, VersionRecord
from adapterctl.rules.thresholds import stale

RUNG = "hosted, by its recipe"


def hosted(project: Project, adapter: str, version: int) -> AdoptedVersion | None:
    """Returns a hosted fine-tune with a recipe; ``None`` for any other version."""
    old = project.registry.any_record(adapter, version)
    if not isinstance(old, AdoptedVersion) or old.hosted is None or old.hosted.recipe is None:
        return None
    return old


def moving(
    project: Project, old: AdoptedVersion, *, to: str, device: str, seeds: int = 0
) -> Steps[VersionRecord]:
    """Rebuilds a hosted fine-tune on ``to``, step by step, and registers the candidate.

    Interrupted, it goes on from its last checkpoint when it is run again. ``seeds`` others stand
    under its flips as a noise floor.

    Raises:
        InvalidInput: no predictions are recorded for it.
        NotRebuildable: a gate refuses the recipe.
    """
    answers = _recorded(project, old)
    recipe = msgspec.structs.replace(project.registry.recipe(old.adapter), base=to)
    sources = gates.passed(project, recipe)
    pins = pin(project, sources, taken=None, device=device)
    work = project.private / "work" / pins.inputs
    with alone(work):
        known = filing.find(project, old.adapter, pins.inputs)
        record = known or (
            yield from _built(
                project, sources, pins, old=old, answers=answers, device=device, seeds=seeds
            )
        )
        building.discard(work)
    return record


def _recorded(project: Project, old: AdoptedVersion) -> Answers:
    found = recorded(project, old.adapter, old.version)
    if found is None:
        name = f"{old.adapter}@{old.version}"
        raise InvalidInput.one(
            "it lives at a provider, and no predictions of it are recorded to compare with",
            place=name,
            hint=f"adapterctl evaluate {name} --endpoint URL, or adapterctl register RECIPE "
            "--predictions FILE",
        )
    return found


def _built(
    project: Project,
    sources: Sources,
    pins: Pins,
    *,
    old: AdoptedVersion,
    answers: Answers,
    device: str,
    seeds: int,
) -> Steps[VersionRecord]:
    work = project.private / "work" / pins.inputs
    name = f"{old.adapter}@{old.version}"
    wanted = Build(name=name, place=project, sources=sources, work=work, device=device)
    built = yield from wishes.built(wanted)
    judged = yield from judge(
        project, project, built, device=device, old=answers, old_side="recorded"
    )
    noise = Noise(
        project=project,
        place=project,
        sources=built.sources,
        built=work,
        seeds=seeds,
        device=device,
    )
    report = yield from _reported(noise, judged)
    result = Result(
        training=built.facts.training,
        prepared=built.facts.prepared,
        metrics=judged.metrics,
        predictions=judged.answers,
        rebuilt_from=_origin(old, to=built.sources.recipe.base, report=report),
    )
    filed = file_version(
        project,
        built.sources,
        pins,
        work=work,
        code_root=code_root(project, built.sources.recipe),
        result=result,
        announce=partial(announce, project, details={}),
    )
    if filed.pending is not None:
        project.display.say(filing.PENDING.format(reason=filed.pending))
    return filed.record


def _reported(noise: Noise, judged: Judgement) -> Steps[ParityReport]:
    """Returns the report with a noise floor, and with the thresholds that nothing can set anew."""
    report = yield from floored(noise, judged.report, candidate=judged.answers["adapter"])
    thresholds = noise.sources.recipe.thresholds
    lost = stale(thresholds, "the old adapter cannot run here")
    return msgspec.structs.replace(report, thresholds=lost)


def _origin(old: AdoptedVersion, *, to: str, report: ParityReport) -> RebuiltFrom:
    stated = old.base.stated or old.base.kind
    return RebuiltFrom(
        version=old.version,
        # A provider's name for a base need not be one that the registry can hold.
        base=re.sub(r"[^a-z0-9._-]+", "-", stated.lower()).strip("-._") or "provider",
        rung=RUNG,
        parity=report,
        changes={"base": [stated, to]},
    )
