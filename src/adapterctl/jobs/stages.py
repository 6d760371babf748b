"""dvc.yaml's stages: one to train and one to evaluate each adapter that params.yaml lists."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.jobs.inputs.recipe_code import code_of
from adapterctl.jobs.inputs.sources import data_paths
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.records.base import Base
from adapterctl.records.recipe import Recipe
from adapterctl.rules.recipes import TRAIN
from adapterctl.stores.files import write_atomically

BUILDS = "builds"
"""The folder for what `dvc repro` builds."""


def enlist(project: Project, adapter: str) -> list[Path]:
    """Adds the adapter to params.yaml and brings its stages in dvc.yaml up to date.

    Everything else in the two files, comments included, stays as it is.

    Returns:
        the files that changed.
    """
    params, stages = project.root / "params.yaml", project.root / "dvc.yaml"
    wanted = stages_of(project, project.registry.recipe(adapter))
    with alone(project.private / "locks" / "stages"):
        changed = [
            _edit(params, lambda data: _add_name(data, adapter)),
            _edit(stages, lambda data: _set_stages(data, wanted)),
        ]
    return [path for path in changed if path is not None]


def stages_of(project: Project, recipe: Recipe) -> dict[str, Any]:
    """Returns the two stages of one adapter, as dvc.yaml holds them."""
    name = recipe.adapter
    paths = data_paths(recipe)
    train = paths.pop(TRAIN)
    build = f"{BUILDS}/{name}"
    shared = _shared_inputs(project, recipe)
    stages: dict[str, Any] = {
        f"train-{name}": {
            "cmd": f"adapterctl train {name} --out {build}",
            "deps": sorted({*shared, train}),
            "outs": [build],
        }
    }
    if paths:
        metrics = f"{BUILDS}/{name}.metrics.json"
        stages[f"evaluate-{name}"] = {
            "cmd": f"adapterctl evaluate {name} --adapter {build} --out {metrics}",
            "deps": sorted({*shared, build, *paths.values()}),
            "metrics": [{metrics: {"cache": False}}],
        }
    return stages


def _shared_inputs(project: Project, recipe: Recipe) -> set[str]:
    """Returns recipe, code and base, as paths from the root."""
    base = project.registry.base(recipe.base)
    # Code of another repository is named by its commit, in the recipe.
    code = set() if recipe.code else {pin.path for pin in code_of(project.root, recipe)}
    recipe_path = project.registry.recipe_path(recipe.adapter).relative_to(project.root).as_posix()
    return {recipe_path, f"registry/bases/{recipe.base}.yaml", *code, *_base_input(base)}


def _base_input(base: Base) -> Iterable[str]:
    """A base that a stage builds is an input by its identity file; others by their record."""
    return [base.fingerprint_file] if base.fingerprint_file else []


def _add_name(data: Any, adapter: str) -> None:
    names = data.get("adapters")
    if names is None or not len(names):
        data["adapters"] = [adapter]
    elif adapter not in names:
        names.append(adapter)


def _set_stages(data: Any, wanted: dict[str, Any]) -> None:
    if not data.get("stages"):
        data["stages"] = {}
    for name, stage in wanted.items():
        data["stages"][name] = stage


def _edit(path: Path, change: Any) -> Path | None:
    """Applies ``change`` to a YAML file, comments kept; returns the path when it changed."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="rt")
    yaml.width = 120
    before = path.read_text() if path.is_file() else ""
    try:
        data = yaml.load(before) or {}
    except YAMLError as error:
        raise InvalidInput.one(f"not YAML: {error}", place=path.name) from None
    change(data)
    buffer = io.StringIO()
    yaml.dump(data, buffer)
    if buffer.getvalue() == before:
        return None
    write_atomically(path, buffer.getvalue().encode())
    return path
