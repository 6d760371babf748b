"""What one side, a base with or without an adapter, answers on the evaluation sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapterctl.jobs.inputs.sources import Row, Sources
from adapterctl.jobs.judging import against_references
from adapterctl.jobs.project import Project
from adapterctl.jobs.scoring import scored
from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Recipe
from adapterctl.rules.parity.metrics import EVALUATOR, lacks, named, score

if TYPE_CHECKING:
    from adapterctl.training.asking.predict import Questions
    from adapterctl.training.learning.taught import Taught
    from adapterctl.training.loading import LoadedBase
    from adapterctl.training.rows.text import Example


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one side (adapter on base, or base alone) answers on every evaluation set."""

    predictions: dict[str, list[Prediction]]
    metrics: dict[str, dict[str, float]]


def open_base(sources: Sources, *, device: str) -> LoadedBase:
    """Loads the base once, for all sides that are predicted on it."""
    from adapterctl.training.determinism import resolve_device
    from adapterctl.training.loading import load_base

    return load_base(
        sources.base_dir,
        task=sources.recipe.task,
        head_seed=sources.recipe.training.seed,
        device=resolve_device(device),
        num_labels=len(sources.labels) or None,
        trust_remote_code=sources.recipe.trust_remote_code,
    )


def open_beside(sources: Sources, loaded: Sequence[LoadedBase], *, device: str) -> LoadedBase:
    """Returns the base for one task and number of labels, loaded no more often than need be.

    Args:
        sources: what is to be asked on it.
        loaded: the same base as it is loaded already, for other tasks or other labels.
        device: ``auto``, ``cpu`` or ``cuda``.
    """
    from adapterctl.training.faces import beside

    task, labels = sources.recipe.task, len(sources.labels) or None
    for base in loaded:
        found = beside(base, task=task, labels=labels)
        if found is not None:
            return found
    return open_base(sources, device=device)


def evaluate(
    project: Project, sources: Sources, *, base: LoadedBase, adapter: Path | None, side: str
) -> Evaluation:
    """Predicts and scores every evaluation set; ``adapter`` None is the bare base."""
    from adapterctl.training.asking.predict import predict, questions

    recipe = sources.recipe
    predictions = {
        name: predict(
            base,
            questions(
                recipe,
                sources.rows[name],
                labels=sources.labels,
                place=evaluation.path,
                slice_by=evaluation.slice_by,
            ),
            adapter_dir=adapter,
            log=project.display.say,
            progress=_labelled(project, f"{side} on {name}"),
        )
        for name, evaluation in recipe.data.evaluation.items()
    }
    predictions = scored(project, recipe, predictions)
    return Evaluation(predictions=predictions, metrics=scores(recipe, predictions))


def judged(project: Project, sources: Sources, found: Evaluation) -> Evaluation:
    """Returns what one side answers with the scores that the recipe's evaluator gives it.

    Raises:
        AdapterctlError: the evaluator fails.
    """
    predictions = against_references(
        project, project, sources.recipe, rows=sources.rows, answers=found.predictions
    )
    return Evaluation(predictions=predictions, metrics=scores(sources.recipe, predictions))


def answers_to_training_rows(
    project: Project,
    sources: Sources,
    rows: list[Row],
    *,
    base: LoadedBase,
    adapter: Path,
) -> list[Prediction]:
    """Returns what an adapter answers to prepared training rows, known by their numbers."""
    from adapterctl.training.asking.predict import predict

    return predict(
        base,
        _anonymous(sources, rows),
        adapter_dir=adapter,
        log=project.display.say,
        progress=_labelled(project, "training rows"),
    )


def likelihoods_of_training_rows(
    project: Project, sources: Sources, rows: list[Row], *, base: LoadedBase, adapter: Path
) -> list[dict[str, float]]:
    """Returns how likely an adapter finds the answers in rows of text."""
    from adapterctl.training.asking.predict import likelihood_scores

    return likelihood_scores(
        base,
        _anonymous(sources, rows),
        adapter_dir=adapter,
        log=project.display.say,
        progress=_labelled(project, "training rows"),
    )


def _anonymous(sources: Sources, rows: list[Row]) -> Questions:
    """Returns rows without their ids: nothing keeps two training rows from having the same."""
    from adapterctl.training.asking.predict import questions

    kept = [{key: value for key, value in row.items() if key != "id"} for row in rows]
    place = sources.recipe.data.train.path
    return questions(sources.recipe, kept, labels=sources.labels, place=place)


def expected_tokens(
    project: Project, recipe: Recipe, examples: list[Example], *, base: LoadedBase, adapter: Path
) -> list[Taught]:
    """Returns what an adapter expects at each learned token of training rows."""
    from adapterctl.training.asking.teaching import expected

    return expected(
        base,
        examples,
        adapter_dir=adapter,
        batch_size=recipe.training.per_device_eval_batch_size,
        progress=_labelled(project, "training rows"),
    )


def scores(recipe: Recipe, predictions: dict[str, list[Prediction]]) -> dict[str, dict[str, float]]:
    """Returns evaluation set to metric to value; the evaluator's once it has judged."""
    return {
        name: {
            metric: score(metric, predictions[name])
            for metric in evaluation.metrics
            if metric != EVALUATOR or not lacks(named(metric), predictions[name])
        }
        for name, evaluation in recipe.data.evaluation.items()
        if name in predictions
    }


def _labelled(project: Project, label: str) -> Callable[[str, int, int], None]:
    def progress(_: str, done: int, total: int) -> None:
        project.display.progress(label, done, total)

    return progress
