"""Up the ladder, rung by rung, until a candidate passes or nothing is left to try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from adapterctl.errors import Mismatch
from adapterctl.jobs.ladder import carried, salvage, sweep, teacher, warm_start
from adapterctl.jobs.ladder.climb import TRIAL_SECONDS, Attempt, Climb, Job, Out
from adapterctl.jobs.ladder.gate import Candidate, pass_gate
from adapterctl.jobs.wishes import Steps
from adapterctl.records.parity import Verdict
from adapterctl.records.version import Climbed
from adapterctl.rules.planning.budgets import device_seconds, devices_of, reaches
from adapterctl.rules.planning.ladder import (
    CARRIED,
    SALVAGE,
    SWEEP,
    TEACHER,
    WARM_START,
)

_ATTEMPTS: dict[str, Callable[[Climb], Steps[Attempt | Out]]] = {
    CARRIED: carried.attempt,
    WARM_START: warm_start.attempt,
    SWEEP: sweep.attempt,
    TEACHER: teacher.attempt,
    SALVAGE: salvage.attempt,
}
_USED_UP = "the budget does not reach to it"
_BEST_FIRST: tuple[Verdict, ...] = ("PASS", "INCONCLUSIVE", "FAIL")


@dataclass(frozen=True, kw_only=True)
class Summit:
    """The candidate to file: the one that passed, else the lowest of those judged best."""

    candidate: Candidate
    ladder: list[Climbed]


def climb_up(climb: Climb) -> Steps[Summit]:
    """Climbs until a candidate passes."""
    job = climb.job
    candidates: list[Candidate] = []
    missed: list[Climbed] = []
    for rung in job.ladder.rungs:
        spent, devices = _spent(candidates, missed), devices_of(job.record)
        if candidates and not reaches(job.budget, rung, spent=spent, devices=devices):
            missed.append(Climbed(rung=rung.rung, why=_USED_UP))
            break
        found = yield from _try(climb, rung.rung)
        if isinstance(found, Out):
            job.project.display.say(f"{rung.rung}: {found.why}")
            job.note(rung.rung, "passed over", why=found.why)
            missed.append(Climbed(rung=rung.rung, why=found.why, details=found.details))
            continue
        candidates.append(found)
        verdict = found.judged.report.verdict
        job.project.display.say(f"{rung.rung}: {verdict}")
        if verdict == "PASS":
            break
        climb = _learned(climb, found)
    return _summit(candidates, missed, job)


def _try(climb: Climb, rung: str) -> Steps[Candidate | Out]:
    attempt = yield from _ATTEMPTS[rung](climb)
    if isinstance(attempt, Out):
        return attempt
    try:
        return (yield from pass_gate(climb, attempt))
    except Mismatch as error:
        if rung != WARM_START:
            raise
        return Out(why=error.problems[0].what)


def _learned(climb: Climb, found: Candidate) -> Climb:
    """Higher rungs train with the learning rate that a sweep found."""
    if found.rung != SWEEP:
        return climb
    rate = found.judged.recipe.training.learning_rate
    return replace(climb, sources=sweep.with_rate(climb.sources, rate))


def _spent(candidates: list[Candidate], missed: list[Climbed]) -> float:
    """Returns seconds of a device's training so far, those of neighbours left out."""
    trained = sum(device_seconds(one.judged.facts.training) for one in candidates)
    details = [*(one.details for one in candidates), *(one.details for one in missed)]
    return trained + sum(float(each.get(TRIAL_SECONDS, 0.0)) for each in details)


def _summit(candidates: list[Candidate], missed: list[Climbed], job: Job) -> Summit:
    best = min(candidates, key=lambda one: _BEST_FIRST.index(one.judged.report.verdict))
    tried = [_climbed(one, filed=one is best) for one in candidates]
    order = [rung.rung for rung in job.ladder.rungs]
    return Summit(
        candidate=best, ladder=sorted([*tried, *missed], key=lambda one: order.index(one.rung))
    )


def _climbed(one: Candidate, *, filed: bool) -> Climbed:
    report = one.judged.report
    return Climbed(
        rung=one.rung,
        verdict=report.verdict,
        parity=None if filed else report,
        details=one.details,
    )
