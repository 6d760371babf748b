"""What a team's own scorer says of one side's answers."""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Recipe
from adapterctl.rules.parity.metrics import SCORER
from adapterctl.stores.processes import call_entry_point

HINT = "score(predictions: list[str], references: list[str]) -> list[float], one for each row"


def scored(project: Project, recipe: Recipe, answers: Answers) -> Answers:
    """Returns the answers with the score of each row, on the sets that name a scorer.

    The scorer runs in a clean process, in the recipe's code, and sees outputs and references in
    the order of the rows; not which side they are from.

    Raises:
        InvalidInput: it fails, or does not give one finite number for each row.
    """
    scorers = {name: each.scorer for name, each in recipe.data.evaluation.items() if each.scorer}
    return {
        name: _scored(project, recipe, rows, scorer=scorers[name]) if name in scorers else rows
        for name, rows in answers.items()
    }


def _scored(
    project: Project, recipe: Recipe, rows: list[Prediction], *, scorer: str
) -> list[Prediction]:
    given = call_entry_point(
        code_root(project, recipe),
        scorer,
        [row.output for row in rows],
        [row.reference for row in rows],
    )
    _must_be_scores(given, len(rows), scorer=scorer)
    return [
        msgspec.structs.replace(row, scores={**row.scores, SCORER: float(value)})
        for row, value in zip(rows, given, strict=True)
    ]


def _must_be_scores(given: Any, rows: int, *, scorer: str) -> None:
    if not isinstance(given, list):
        what = f"returned {type(given).__name__}, not a list of scores"
    elif len(given) != rows:
        what = f"returned {len(given):,} scores for {rows:,} rows"
    elif not all(_is_score(value) for value in given):
        wrong = next(n for n, value in enumerate(given) if not _is_score(value))
        what = f"its score of row {wrong} is not a finite number"
    else:
        return
    raise InvalidInput.one(what, place=scorer, hint=HINT)


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and isfinite(value)
