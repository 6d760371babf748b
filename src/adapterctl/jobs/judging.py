"""Answers put before the recipe's evaluator: two at a time, both orders, all in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.jobs.court import Court
from adapterctl.jobs.inputs.sources import Row
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.jobs.questions import messages_of
from adapterctl.records.parity import Judging, ParityReport
from adapterctl.records.recipe import Recipe
from adapterctl.rules.evaluator_commands import KEY, judged_sets
from adapterctl.rules.parity.duels import Duel, Score
from adapterctl.rules.parity.metrics import EVALUATOR

Rows = Mapping[str, Sequence[Row]]
"""Evaluation set to its prepared rows."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Three sides with the evaluator's scores in their rows, and how it judged.

    Attributes:
        facts: who judged, for the report's settings.
    """

    old: Answers
    bare: Answers | None
    candidate: Answers
    judging: list[Judging] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def told(self, report: ParityReport) -> ParityReport:
        """Returns a report that says how the evaluator judged."""
        settings = {**report.settings, KEY: self.facts} if self.facts else report.settings
        return msgspec.structs.replace(report, judging=self.judging, settings=settings)


def judged(
    project: Project,
    place: Project,
    recipe: Recipe,
    *,
    rows: Rows,
    old: Answers,
    bare: Answers | None,
    candidate: Answers,
) -> Judged:
    """Has the old side judged against the candidate, and against the bare successor, in one run.

    The bare successor's score is counted from the old side's score beside the candidate, so that
    the three stand on one footing.

    Args:
        project: where what was said is kept, and where the judge is declared.
        place: where the evaluator's code lies: the project, or a clean room.
        recipe: whose evaluator it is.
        rows: prepared rows of every set.
        old: what the old side answers.
        bare: what the bare successor answers, where it was asked.
        candidate: what the candidate answers.

    Raises:
        InvalidInput: what the evaluator writes is not one score for each answer.
        AdapterctlError: it fails.
    """
    sets = judged_sets(recipe)
    if not sets:
        return Judged(old=old, bare=bare, candidate=candidate)
    others = [candidate] if bare is None else [candidate, bare]
    duels = [duel for other in others for duel in _duels(recipe, rows, sets, left=old, right=other)]
    court = Court(project=project, place=place, recipe=recipe)
    scores, told = court.judge(duels)
    half = len(duels) // len(others)
    rows_of = [(duel.set, duel.row) for duel in duels[:half]]
    main, beside = scores[:half], scores[half:]
    return Judged(
        old=_with(old, rows_of, [each.left for each in main]),
        bare=None if bare is None else _with(bare, rows_of, _bare(main, beside)),
        candidate=_with(candidate, rows_of, [each.right for each in main]),
        judging=told,
        facts=court.facts(),
    )


def against_references(
    project: Project, place: Project, recipe: Recipe, *, rows: Rows, answers: Answers
) -> Answers:
    """Returns one side's answers with the scores that they get beside what is right.

    Raises:
        InvalidInput: see `judged`.
    """
    sets = judged_sets(recipe)
    if not sets:
        return answers
    right = {
        name: [msgspec.structs.replace(row, output=row.reference) for row in answers[name]]
        for name in sets
    }
    duels = _duels(recipe, rows, sets, left=answers, right=right)
    scores, _ = Court(project=project, place=place, recipe=recipe).judge(duels)
    return _with(answers, [(duel.set, duel.row) for duel in duels], [s.left for s in scores])


def _bare(main: Sequence[Score], bare: Sequence[Score]) -> list[float]:
    return [a.left + b.right - b.left for a, b in zip(main, bare, strict=True)]


def _duels(
    recipe: Recipe, rows: Rows, sets: Sequence[str], *, left: Answers, right: Answers
) -> list[Duel]:
    from adapterctl.training.rows.faulty_rows import row_id

    found = []
    for name in sets:
        prompts = {row_id(row, n): [*messages_of(row)] for n, row in enumerate(rows[name])}
        others = {row.id: row for row in right[name]}
        for row in left[name]:
            if row.id not in prompts or row.id not in others:
                raise InvalidInput.one(
                    f"row {row.id!r} of {name} was not answered by both sides",
                    place=KEY,
                    hint="evaluate every side on the same file of the evaluation set",
                )
            found.append(
                Duel(
                    set=name,
                    row=row.id,
                    prompt=[dict(turn) for turn in prompts[row.id]],
                    reference=row.reference,
                    left=row.output,
                    right=others[row.id].output,
                )
            )
    return found


def _with(answers: Answers, rows: Sequence[tuple[str, str]], scores: Sequence[float]) -> Answers:
    """Returns answers with the scores of some rows, which are named by set and id."""
    values = dict(zip(rows, scores, strict=True))
    return {
        name: [
            msgspec.structs.replace(row, scores={**row.scores, EVALUATOR: values[name, row.id]})
            if (name, row.id) in values
            else row
            for row in each
        ]
        for name, each in answers.items()
    }
