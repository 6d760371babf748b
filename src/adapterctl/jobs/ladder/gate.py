"""The gate that every rung ends in: built, answered on every evaluation set, judged.

What it says is kept beside what was built: a resumed rebuild does not judge a rung twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adapterctl.jobs import filing, wishes
from adapterctl.jobs.building import Build, BuildFacts
from adapterctl.jobs.candidate import judge
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.ladder.climb import Attempt, Climb
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.wishes import Steps
from adapterctl.records.canonical import pretty
from adapterctl.records.noun import Noun
from adapterctl.records.parity import ParityReport
from adapterctl.records.reading import read_json
from adapterctl.records.recipe import Recipe
from adapterctl.stores.files import write_atomically

_JUDGED, _ANSWERS = "judged.json", "answers"

SIDES = ("old", "bare", "adapter")
"""Whose answers are kept: the evaluator's scores stand in all of them."""


class Judged(Noun, frozen=True, kw_only=True):
    """``judged.json``: what a rung's candidate is, but for its bytes."""

    report: ParityReport
    recipe: Recipe
    facts: BuildFacts
    metrics: dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What a rung built, and how it was judged; ``folder`` holds the build."""

    rung: str
    sources: Sources
    judged: Judged
    folder: Path
    predictions: dict[str, Answers]
    details: dict[str, Any]


def pass_gate(climb: Climb, attempt: Attempt) -> Steps[Candidate]:
    """Builds and judges an attempt, or reads what was judged before an interruption."""
    job, work = climb.job, climb.job.work(attempt.rung)
    if not job.done(attempt.rung, "judged"):
        judged, answers = yield from _judge(climb, attempt, work=work)
        for side in SIDES:
            filing.write_predictions(work / _ANSWERS, side, answers[side])
        write_atomically(work / _JUDGED, pretty(judged))
        job.note(attempt.rung, "judged", verdict=judged.report.verdict)
    judged = read_json((work / _JUDGED).read_bytes(), Judged, file=str(work / _JUDGED))
    sets = climb.sources.recipe.data.evaluation
    return Candidate(
        rung=attempt.rung,
        sources=replace(attempt.sources, recipe=judged.recipe),
        judged=judged,
        folder=work,
        predictions={side: read_answers(work / _ANSWERS, side, sets) for side in SIDES},
        details=attempt.details,
    )


def read_answers(folder: Path, side: str, sets: Iterable[str]) -> Answers:
    """Returns the recorded predictions of one side on those of the sets that have a file."""
    found = {name: filing.read_predictions(folder, side, name) for name in sets}
    return {name: answers for name, answers in found.items() if answers is not None}


def _judge(
    climb: Climb, attempt: Attempt, *, work: Path
) -> Steps[tuple[Judged, dict[str, Answers]]]:
    job, place = climb.job, climb.place
    wanted = Build(
        name=job.key,
        place=place,
        sources=attempt.sources,
        work=work,
        device=job.device,
        shards=job.shards,
    )
    built = yield from wishes.built(wanted)
    job.note(attempt.rung, "trained", steps=built.facts.training.steps)
    found = yield from judge(
        job.project,
        place,
        built,
        device=job.device,
        old=climb.old,
        old_side=climb.old_side,
        shared_by=len(job.ladder.rungs),
    )
    judged = Judged(
        report=found.report,
        recipe=built.sources.recipe,
        facts=built.facts,
        metrics=found.metrics,
    )
    return judged, found.answers
