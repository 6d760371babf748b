"""The gate of a rebuild: three sides on every evaluation set, by the recipe's margins."""

from __future__ import annotations

from typing import Literal

from adapterctl.errors import InvalidInput
from adapterctl.jobs.project import Project
from adapterctl.records.parity import ParityReport, Prediction
from adapterctl.records.recipe import Margin, Recipe
from adapterctl.rules.parity.measured import Terms
from adapterctl.rules.parity.side_by_side import SideBySide
from adapterctl.rules.parity.verdicts import judge

Answers = dict[str, list[Prediction]]
"""Evaluation set to one prediction per row."""

OldSide = Literal["rerun", "recorded"]


def parity(
    project: Project,
    recipe: Recipe,
    *,
    old: Answers,
    bare: Answers | None,
    candidate: Answers,
    old_side: OldSide,
    shared_by: int = 1,
) -> ParityReport:
    """Compares three sides on every evaluation set, by the recipe's margins or the policy's.

    ``shared_by`` is how many candidates the level is shared out over.

    Raises:
        InvalidInput: a set has no recorded answers of the old side.
    """
    return judge(
        side_by_side(recipe, old=old, bare=bare, candidate=candidate),
        terms_of(project, recipe, shared_by=shared_by),
        old_side=old_side,
    )


def terms_of(project: Project, recipe: Recipe, *, shared_by: int = 1) -> Terms:
    """Returns what a comparison is held to: the recipe's ``parity``, else params.yaml's."""
    policy = project.policy.parity
    numbers = {name: value for name, value in recipe.parity.items() if isinstance(value, float)}
    return Terms(
        margins={name: value for name, value in recipe.parity.items() if isinstance(value, dict)},
        default_margin=Margin(margin=policy.margin),
        flip_limit=numbers.get("negative_flips", policy.negative_flips),
        flip_drop=numbers.get("flip_drop", policy.flip_drop),
        level=policy.level / shared_by,
        seed=recipe.training.seed,
    )


def side_by_side(
    recipe: Recipe, *, old: Answers, bare: Answers | None, candidate: Answers
) -> list[SideBySide]:
    """Returns the sides of every evaluation set.

    Raises:
        InvalidInput: a side has no answers on a set.
    """
    return [
        SideBySide(
            set=name,
            metrics=list(evaluation.metrics),
            old=_side(old, name),
            candidate=_side(candidate, name),
            bare=None if bare is None else _side(bare, name),
        )
        for name, evaluation in recipe.data.evaluation.items()
    ]


def _side(answers: Answers, name: str) -> list[Prediction]:
    if name not in answers:
        raise InvalidInput.one(
            f"no answers were recorded on the evaluation set {name!r}",
            hint="put the old base back, so that the old adapter can answer",
        )
    return answers[name]
