"""An adapter that a run of another tool left in MLflow, taken as far as MLflow knows it."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.jobs.adopting.adapter_folder import adapter_folders
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.project import Project, require
from adapterctl.records.recipe import Recipe, TrainingSettings
from adapterctl.records.run import RunFacts
from adapterctl.rules.as_used import as_used, lora_of
from adapterctl.rules.trainer_output import targets_in
from adapterctl.stores.safetensors.folder import json_object
from adapterctl.stores.safetensors.layout import read_layout


@dataclass(frozen=True, kw_only=True)
class TakenRun:
    """A run's adapter, the recipe as MLflow says it was used, and what it says besides."""

    folder: Path
    recipe: Recipe
    run: RunFacts


def take(project: Project, recipe: Recipe, wanted: str) -> TakenRun:
    """Fetches the adapter of a run, and reads what it was trained with.

    ``transformers`` logs its arguments as params; LoRA settings are read from the adapter itself.
    Neither tells which rows it was trained on.

    Args:
        project: where; its MLflow, or MLFLOW_TRACKING_URI.
        recipe: what the run was meant to do.
        wanted: ``RUN_ID``, or ``RUN_ID/FOLDER`` where the run holds several adapters.

    Raises:
        NotFound: no such run, or no adapter among its artifacts.
        InvalidInput: several adapters, none of which is named.
        Unreachable: MLflow does not answer.
    """
    require("mlflow", extra="mlflow", needed_for="adapters that MLflow holds")
    from adapterctl.stores.mlflow import RegisteredModels

    run_id, _, inside = wanted.partition("/")
    models = RegisteredModels(project.tracking_uri)
    stated = models.stated_run(run_id)
    into = project.private / "runs" / run_id
    shutil.rmtree(into, ignore_errors=True)
    models.fetch_adapters_of_run(run_id, into=into)
    folder = _folder(into, inside, run_id=run_id)
    used = as_used(
        recipe,
        training=_training(stated.params),
        lora=_lora(project, recipe, folder),
        replicas=1,
    )
    facts = RunFacts(
        trainer=f"MLflow run {run_id}",
        departures=used.departures,
        unsaid=used.unsaid,
        stated=stated,
    )
    return TakenRun(folder=folder, recipe=used.recipe, run=facts)


def _folder(into: Path, inside: str, *, run_id: str) -> Path:
    found = adapter_folders(into, called=f"MLflow run {run_id}")
    named = {folder.relative_to(into.resolve()).as_posix(): folder for folder in found}
    if inside in named:
        return named[inside]
    if len(named) == 1 and not inside:
        return next(iter(named.values()))
    raise InvalidInput.one(
        f"holds {len(named)} adapters: {', '.join(sorted(named))}",
        place=f"MLflow run {run_id}",
        hint=f"name one: --run {run_id}/{min(named)}",
    )


def _training(params: Mapping[str, str]) -> dict[str, Any]:
    """Returns the params that a recipe has words for, as the values that they were."""
    names = TrainingSettings.__struct_fields__
    told = {name: _value(params[name]) for name in names if name in params}
    return {name: value for name, value in told.items() if value is not None}


def _value(text: str) -> Any:
    """Returns what a param was before MLflow made text of it."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _lora(project: Project, recipe: Recipe, folder: Path) -> dict[str, Any]:
    from adapterctl.training.inspect import given_lora

    intended = given_lora(
        checked(project, project.registry.base(recipe.base)),
        recipe,
        labels=0,
    )
    layout = read_layout(folder / "adapter_model.safetensors")
    config = json_object(folder / "adapter_config.json") or {}
    used = targets_in(place.name for place in layout)
    return lora_of(config, recipe, used=used, intended=intended)
