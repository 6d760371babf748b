"""The audit: which adapters die, when, and by when work must start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.project import Project
from adapterctl.jobs.subjects import subjects
from adapterctl.jobs.survey import Survey, cut, not_registered, survey
from adapterctl.jobs.tensor_lists import weights_of
from adapterctl.jobs.world.said import SILENT, World
from adapterctl.records.base import Base
from adapterctl.records.policy import People
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.audit.judges import judge_ends
from adapterctl.rules.audit.judging import judge, judge_base
from adapterctl.rules.audit.same_weights import judge_twins, twins
from adapterctl.rules.audit.teams import Staff, joined, unknown_teams
from adapterctl.rules.audit.upkeep import left, rollback_target, upkeep
from adapterctl.rules.findings import Audit, Finding, Skipped, all_waived, ranked, skipped
from adapterctl.rules.standing import Standing


def audit(
    project: Project,
    *,
    horizon_days: int | None = None,
    owner: str | None = None,
    base: str | None = None,
    every: bool = False,
    world: bool = False,
    fine: bool = True,
) -> Audit:
    """Judges the versions that hold an alias or serve without one; retired adapters are left out.

    Args:
        project: where; its day is the day that counts as today.
        horizon_days: how far ahead to look; default: the project's policy.
        owner: only adapters that this team owns or covers for.
        base: only adapters on this base.
        every: every version of every adapter.
        world: ask the world, too: whether what they need is still there, and for how long.
        fine: list all that was judged, whether anything was found about it or not.
    """
    found = cut(survey(project, every=every, base=base), base=base, owner=owner)
    return audit_of(project, found, horizon_days=horizon_days, world=world, fine=fine)


def audit_of(
    project: Project,
    found: Survey,
    *,
    horizon_days: int | None = None,
    world: bool = False,
    fine: bool = False,
) -> Audit:
    """Judges the versions of a survey; see `audit`."""
    horizon = project.policy.horizon_days if horizon_days is None else horizon_days
    frame = Frame(today=project.today, horizon_days=horizon)
    said = _said(project, found) if world else SILENT
    judged = [
        *_judged(found, frame),
        *_upkeep(project, found, frame, staff=said.staff),
        *_twins(project, found),
        *said.judged,
    ]
    waivers = project.registry.waivers()
    findings = [one for one in judged if isinstance(one, Finding)]
    return Audit(
        as_of=project.today,
        horizon_days=horizon,
        adapters=len({standing.adapter for standing in found.standings}),
        versions=len(found.standings),
        retired=len(found.retired),
        findings=ranked(all_waived(findings, waivers, today=project.today)),
        skipped=[*_skipped(judged), *not_registered(found.unregistered), *found.skipped],
        subjects=subjects(found) if fine else [],
        asked=said.asked,
    )


def _said(project: Project, found: Survey) -> World:
    """Asks the world; what can ask it is imported only then."""
    from adapterctl.jobs.world.round import ask

    return ask(project, found)


def _judged(found: Survey, frame: Frame) -> Iterator[Finding | Skipped]:
    on_base: dict[str, list[Standing]] = {}
    for standing in found.standings:
        yield from judge(standing, found.almanac, frame)
        yield from judge_ends(standing, found.almanac, frame)
        on_base.setdefault(standing.base, []).append(standing)
    for name, standings in sorted(on_base.items()):
        base = found.almanac.bases.get(name)
        if base is not None:
            yield from judge_base(base, standings)


def _upkeep(
    project: Project, found: Survey, frame: Frame, *, staff: Staff
) -> Iterator[Finding | Skipped]:
    """Yields what has to be looked after, apart from the ends in sight."""
    try:
        people = project.registry.people()
    except AdapterctlError as error:
        yield skipped("registry/people.yaml", error)
        people = People()
    gone = left(joined(people, staff), today=frame.today)
    for standing in found.standings:
        yield from upkeep(standing, frame=frame, policy=project.policy, gone=gone)
        if staff.teams:
            yield from unknown_teams(standing, people, staff)
    back = {standing.adapter for standing in found.standings if "previous" in standing.aliases}
    ways = [standing for standing in found.standings if standing.adapter in back]
    for _, each in groupby(ways, key=lambda standing: standing.adapter):
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
