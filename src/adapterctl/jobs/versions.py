"""A finished build becomes a version: its folder stored, its record claimed and mirrored."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adapterctl.jobs import environment_lock, filing
from adapterctl.jobs.filing import Announce, Filed
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.records.capsule import Capsule
from adapterctl.records.recipe import Recipe
from adapterctl.records.run import RunFacts
from adapterctl.records.version import (
    ArtifactPin,
    CodePin,
    DatasetPin,
    Environment,
    LockPin,
    PreparedPin,
    RebuiltFrom,
    SelectionPin,
    TrainingFacts,
    VersionRecord,
)
from adapterctl.records.yaml_edit import dump_yaml
from adapterctl.rules.recipes import TRAIN, recipe_digest
from adapterctl.stores.safetensors import config_digest, weights_digest

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True, kw_only=True)
class Pins:
    """Everything pinned for one registration, before it is built."""

    data: dict[str, DatasetPin]
    selection: SelectionPin | None
    code: CodePin
    environment: Environment
    inputs: str


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An adapter that was trained elsewhere, and what is known of how.

    Attributes:
        folder: as PEFT writes it.
        run: what is known of the run, if anything is.
        capsule: what it says of itself, where it left one.
        lock: the lock of its environment, beside the capsule.
    """

    folder: Path
    run: RunFacts | None = None
    capsule: Capsule | None = None
    lock: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a build gave, as its record will hold it."""

    training: TrainingFacts | None
    prepared: dict[str, PreparedPin]
    metrics: dict[str, dict[str, float]]
    predictions: dict[str, Answers]
    rebuilt_from: RebuiltFrom | None = None
    taken: Taken | None = None


def file_version(
    project: Project,
    sources: Sources,
    pins: Pins,
    *,
    work: Path,
    code_root: Path,
    result: Result,
    announce: Announce = filing.unannounced,
) -> Filed:
    """Stores the folder in ``work``, claims the next number and mirrors the version.

    ``code_root`` is where the import closure lies: the project, or a clean room.
    """
    folder = filing.assemble(
        code_root,
        work,
        recipe_text=_recipe_text(project, sources.recipe),
        code=sources.code,
        predictions=result.predictions,
    )
    lock = _lock(project, pins.environment, result.taken, folder=folder)
    artifacts = filing.store(project, folder)
    draft = _draft(
        project, sources, pins, folder=folder, artifacts=artifacts, lock=lock, result=result
    )
    # After the claim there is no way back: record, pointer and stages must fit.
    filing.must_be_writable(project, draft.adapter)
    claimed = project.registry.claim(
        draft.adapter,
        lambda number: msgspec.structs.replace(draft, version=number),
        above=filing.highest_known(project, draft.adapter),
    )
    return filing.finish(project, claimed, folder=folder, new=True, announce=announce)


def _lock(
    project: Project, environment: Environment, taken: Taken | None, *, folder: Path
) -> LockPin:
    """Puts the lock into a version's folder: of a run elsewhere, the one it left."""
    if taken is None or taken.capsule is None or taken.lock is None:
        return environment_lock.keep(project, environment, folder=folder)
    shutil.copyfile(taken.lock, folder / environment_lock.LOCK)
    return taken.capsule.lock


def _draft(
    project: Project,
    sources: Sources,
    pins: Pins,
    *,
    folder: Path,
    artifacts: ArtifactPin,
    lock: LockPin,
    result: Result,
) -> VersionRecord:
    """Returns the record as it will stand, but for its number."""
    recipe, taken = sources.recipe, result.taken
    return VersionRecord(
        schema_version=1,
        adapter=recipe.adapter,
        version=0,
        created=project.stamp,
        created_by=project.by,
        inputs_digest=pins.inputs,
        recipe_digest=recipe_digest(recipe),
        recipe=recipe,
        base=sources.base,
        train=pins.data[TRAIN],
        evaluation={name: pins.data[name] for name in recipe.data.evaluation},
        code=pins.code,
        environment=pins.environment,
        artifacts=artifacts,
        weights_sha256=weights_digest(folder / "adapter" / ADAPTER_FILES[1]),
        adapter_config_sha256=config_digest(folder / "adapter" / ADAPTER_FILES[0]),
        metrics=result.metrics,
        labels=list(sources.labels),
        prepared=result.prepared,
        selection=pins.selection,
        training=result.training,
        rebuilt_from=result.rebuilt_from,
        lock=lock,
        run=taken.run if taken else None,
    )


def _recipe_text(project: Project, recipe: Recipe) -> str:
    """Returns the recipe as its author wrote it, or as it was mapped for a rebuild."""
    home = project.registry.recipe_path(recipe.adapter)
    if home.is_file() and project.registry.recipe(recipe.adapter) == recipe:
        return home.read_text(encoding="utf-8")
    return dump_yaml(recipe)
