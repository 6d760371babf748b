"""The audit: which adapters die, when, and by when work must start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.bases import weights_of
from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import Survey, cut, not_registered, survey
from adapterctl.records.base import Base
from adapterctl.records.policy import People
from adapterctl.rules.endings import Frame
from adapterctl.rules.findings import Audit, Finding, Skipped, ranked, skipped, waived
from adapterctl.rules.judging import judge, judge_base
from adapterctl.rules.same_weights import judge_twins, twins
from adapterctl.rules.upkeep import rollback_target, upkeep


def audit(
    project: Project,
    *,
    horizon_days: int | None = None,
    owner: str | None = None,
    base: str | None = None,
    every: bool = False,
) -> Audit:
    """Judges the versions that hold an alias, else the newest; retired adapters are left out.

    Args:
        project: where; its day is the day that counts as today.
        horizon_days: how far ahead to look; default: the project's policy.
        owner: only adapters that this team owns or covers for.
        base: only adapters on this base.
        every: every version of every adapter.
    """
    horizon = project.policy.horizon_days if horizon_days is None else horizon_days
    frame = Frame(today=project.today, horizon_days=horizon)
    found = cut(survey(project, every=every), base=base, owner=owner)
    judged = [*_judged(found, frame), *_upkeep(project, found, frame), *_twins(project, found)]
    waivers = project.registry.waivers()
    findings = [one for one in judged if isinstance(one, Finding)]
    return Audit(
        as_of=project.today,
        horizon_days=horizon,
        adapters=len({standing.adapter for standing in found.standings}),
        versions=len(found.standings),
        retired=len(found.retired),
        findings=ranked(waived(one, waivers, today=project.today) for one in findings),
        skipped=[*_skipped(judged), *not_registered(found.unregistered), *found.skipped],
    )


def _judged(found: Survey, frame: Frame) -> Iterator[Finding | Skipped]:
    for standing in found.standings:
        yield from judge(standing, found.almanac, frame)
    for name in sorted({standing.base for standing in found.standings}):
        base = found.almanac.bases.get(name)
        if base is not None:
            yield from judge_base(base, [one for one in found.standings if one.base == name])


def _upkeep(project: Project, found: Survey, frame: Frame) -> Iterator[Finding | Skipped]:
    """Yields what has to be looked after, apart from the ends in sight."""
    try:
        people = project.registry.people()
    except AdapterctlError as error:
        yield skipped("registry/people.yaml", error)
        people = People()
    for standing in found.standings:
        yield from upkeep(standing, frame=frame, policy=project.policy, people=people)
    for _, each in groupby(found.standings, key=lambda standing: standing.adapter):
        yield from rollback_target(list(each))


def _twins(project: Project, found: Survey) -> Iterator[Finding | Skipped]:
    """Yields bases in use whose weights are declared under another name, too."""
    bases = found.almanac.bases
    weights = weights_of(project, bases.values())
    used = {standing.base for standing in found.standings} & bases.keys()
    other = {name for base in used for name in twins(base, weights)} - bases.keys()
    declared: dict[str, Base] = {}
    for name in sorted(other & set(project.registry.bases())):
        try:
            declared[name] = project.registry.base(name)
        except AdapterctlError as error:
            yield skipped(f"base:{name}", error)
    yield from judge_twins(found.standings, {**bases, **declared}, weights)


def _skipped(judged: Iterable[Finding | Skipped]) -> list[Skipped]:
    return [one for one in judged if isinstance(one, Skipped)]
