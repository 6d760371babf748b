"""What a well-typed recipe can still get wrong, and the digest of what it builds."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import msgspec

from adapterctl.records.canonical import digest
from adapterctl.records.recipe import EvaluationData, Recipe, TrainingSettings
from adapterctl.rules.bucket_urls import misplaced
from adapterctl.rules.contradiction import Contradiction
from adapterctl.rules.evaluator_commands import evaluator_mistakes
from adapterctl.rules.parity.metrics import SCORER, known_metrics
from adapterctl.rules.thresholds import threshold_mistakes
from adapterctl.rules.trainer_commands import mistakes

TRAIN = "train"
"""Name of the training set wherever sets are listed together."""

RUNNABLE_TASKS = ("SEQ_CLS", "CAUSAL_LM")

SALVAGED_ROWS = "data/salvaged/"

PARITY_KEYS = ("negative_flips", "flip_drop")

_QUANTIZATION = ("load_in_4bit", "bnb_4bit_quant_type", "bnb_4bit_use_double_quant")

_ABOUT_PEOPLE = ("purpose", "owners", "serving", "parity")


def contradictions(recipe: Recipe) -> Iterator[Contradiction]:
    """Yields what is wrong with a recipe beyond the type of each field."""
    yield from _not_runnable(recipe)
    yield from mistakes(recipe)
    yield from evaluator_mistakes(recipe)
    yield from threshold_mistakes(recipe)
    yield from (Contradiction(*each) for each in misplaced(recipe))
    yield from _salvage(recipe)
    yield from _schedule(recipe)
    yield from _metrics(recipe)
    yield from _parity(recipe)


def recipe_digest(recipe: Recipe) -> str:
    """Returns the sha256 of what decides the build.

    Purpose, owners, serving, parity margins and salvage are left out: they are judged as
    recipe.yaml says today and change no byte of the adapter.
    """
    facts: dict[str, Any] = msgspec.to_builtins(recipe)
    facts["salvage"] = None
    if not facts["data"]["train"]["salvaged"]:
        del facts["data"]["train"]["salvaged"]
    for field in _QUANTIZATION:
        # Recipes that were registered before a base could be held in 4 bits, too.
        if facts["training"][field] == msgspec.to_builtins(TrainingSettings())[field]:
            del facts["training"][field]
    for place in (facts["data"]["train"]["selection"], *facts["data"]["evaluation"].values()):
        # Recipes that were registered before these could stay in a bucket keep their digest.
        if place is not None and place["copy"]:
            del place["copy"]
    return digest({key: value for key, value in facts.items() if key not in _ABOUT_PEOPLE})


def _not_runnable(recipe: Recipe) -> Iterator[Contradiction]:
    if recipe.task not in RUNNABLE_TASKS:
        hint = f"tasks: {', '.join(RUNNABLE_TASKS)}"
        yield Contradiction(("task",), f"{recipe.task} cannot be trained yet", hint)
    if recipe.task != "CAUSAL_LM" and recipe.generation is not None:
        yield Contradiction(("generation",), f"{recipe.task} generates nothing", "remove it")


def _salvage(recipe: Recipe) -> Iterator[Contradiction]:
    kept = recipe.salvage
    if kept is not None and kept.prompts is not None and kept.permission is None:
        hint = "permission: who allowed it, and on what ground"
        yield Contradiction(("salvage", "prompts"), "real prompts are kept by permission", hint)
    if recipe.data.train.salvaged and not recipe.data.train.path.startswith(SALVAGED_ROWS):
        path = ("data", "train", "salvaged")
        yield Contradiction(path, f"salvaged rows lie in {SALVAGED_ROWS}", "remove it")


def _schedule(recipe: Recipe) -> Iterator[Contradiction]:
    training = recipe.training
    if training.warmup_steps and training.warmup_ratio:
        path = ("training", "warmup_ratio")
        yield Contradiction(path, "warmup_steps is set too", "keep one of the two")
    if training.max_steps == 0:
        path = ("training", "max_steps")
        yield Contradiction(path, "out of range: 0", "a number of steps, or -1 for whole epochs")


def _metrics(recipe: Recipe) -> Iterator[Contradiction]:
    known = tuple(known_metrics(recipe.task))
    for name, evaluation in recipe.data.evaluation.items():
        if name == TRAIN:
            path: tuple[str | int, ...] = ("data", "evaluation", name)
            yield Contradiction(path, "this name is taken by the training set", "rename it")
        yield from _scorer(name, evaluation)
        for number, metric in enumerate(evaluation.metrics):
            if metric not in known:
                path = ("data", "evaluation", name, "metrics", number)
                yield Contradiction(path, f"unknown metric {metric!r}", _nearest(metric, known))


def _scorer(name: str, evaluation: EvaluationData) -> Iterator[Contradiction]:
    wanted = SCORER in evaluation.metrics
    path = ("data", "evaluation", name)
    if evaluation.scorer is None and wanted:
        where = evaluation.metrics.index(SCORER)
        hint = "add `scorer: path.py:function`, a function (predictions, references) -> [score]"
        yield Contradiction((*path, "metrics", where), "the set names no scorer", hint)
    if evaluation.scorer is not None and not wanted:
        hint = f"add {SCORER} to the metrics, or remove it"
        yield Contradiction((*path, "scorer"), "no metric reads its scores", hint)
    if evaluation.scorer is not None and not evaluation.scorer.partition(":")[0].endswith(".py"):
        hint = "put the function into a .py file"
        yield Contradiction((*path, "scorer"), "is in a notebook", hint)


def _parity(recipe: Recipe) -> Iterator[Contradiction]:
    for name, setting in recipe.parity.items():
        path: tuple[str | int, ...] = ("parity", name)
        if isinstance(setting, float):
            if name not in PARITY_KEYS:
                yield Contradiction(path, "not a setting of parity", _nearest(name, PARITY_KEYS))
        elif name not in recipe.data.evaluation:
            sets = tuple(recipe.data.evaluation)
            yield Contradiction(path, "no such evaluation set", _nearest(name, sets))
        else:
            metrics = tuple(recipe.data.evaluation[name].metrics)
            for metric in setting:
                if metric not in metrics:
                    where = f"not among data.evaluation.{name}.metrics"
                    yield Contradiction((*path, metric), where, _nearest(metric, metrics))


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
