"""Registering an adapter: the five checked and pinned, trained (or taken), judged, filed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs import building, environment_lock, filing, gates, pinning, probe
from adapterctl.jobs.effect import must_take_effect
from adapterctl.jobs.filing import Announce, Filed
from adapterctl.jobs.locks import alone
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.jobs.sources import Sources, located
from adapterctl.records.recipe import Recipe
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
from adapterctl.rules.recipes import TRAIN, recipe_digest
from adapterctl.stores.files import create_exclusively
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


def register(project: Project, recipe_path: Path, *, adapter: Path | None, device: str) -> Filed:
    """Registers the adapter that the recipe describes.

    Args:
        project: where.
        recipe_path: the recipe; copied into the registry when it lies elsewhere.
        adapter: a PEFT folder that was trained elsewhere; None trains from the recipe.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        NotRebuildable: a gate refuses; every gap is named.
        InvalidInput: recipe, data, code or labels; every problem of a kind at once.
        Mismatch: base or data changed since they were pinned.
    """
    path = located(project, recipe_path)
    recipe = project.registry.recipe_at(path)
    filing.must_be_writable(project, recipe.adapter)
    sources = gates.passed(project, recipe)
    _adopt(project, recipe, path)
    pins = _pin(project, sources, adapter=adapter, device=device)
    work = project.private / "work" / pins.inputs
    with alone(work):
        known = filing.find(project, recipe.adapter, pins.inputs)
        filed = (
            _build_and_file(project, sources, pins, work=work, adapter=adapter, device=device)
            if known is None
            else filing.finish(project, known, folder=None, new=False)
        )
        building.discard(work)
    return filed


def _build_and_file(
    project: Project,
    sources: Sources,
    pins: Pins,
    *,
    work: Path,
    adapter: Path | None,
    device: str,
) -> Filed:
    if adapter is None:
        built = building.build(project, sources, work=work, device=device)
        training, prepared = built.facts.training, built.facts.prepared
    else:
        _take(adapter, work / "adapter")
        training, prepared = None, building.prepared_pins(project, sources)
    base = building.open_base(sources, device=device)
    must_take_effect(project, sources, base=base, adapter=work / "adapter")
    answers = building.evaluate(
        project, sources, base=base, adapter=work / "adapter", side=sources.recipe.adapter
    )
    probe.take(project, sources, base=base, adapter=work / "adapter")
    return file_version(
        project,
        sources,
        pins,
        work=work,
        code_root=project.root,
        result=Result(
            training=training,
            prepared=prepared,
            metrics=answers.metrics,
            predictions={"adapter": answers.predictions},
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a build gave, as its record will hold it."""

    training: TrainingFacts | None
    prepared: dict[str, PreparedPin]
    metrics: dict[str, dict[str, float]]
    predictions: dict[str, Answers]
    rebuilt_from: RebuiltFrom | None = None


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

    ``code_root`` is where the import closure lies: the project, or a capsule.
    """
    folder = filing.assemble(
        code_root,
        work,
        recipe_text=_recipe_text(project, sources.recipe),
        code=sources.code,
        predictions=result.predictions,
    )
    lock = environment_lock.keep(project, pins.environment, folder=folder)
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
    recipe = sources.recipe
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
    )


def _pin(project: Project, sources: Sources, *, adapter: Path | None, device: str) -> Pins:
    data = pinning.pin_data(project, sources.recipe)
    selection = pinning.pin_selection(project, sources.recipe, data)
    environment = building.running_environment(device)
    taken = None if adapter is None else weights_digest(_adapter_file(adapter, ADAPTER_FILES[1]))
    inputs = pinning.inputs_digest(sources, data, environment=environment, origin=taken)
    return Pins(
        data=data,
        selection=selection,
        code=pinning.pin_code(project, sources),
        environment=environment,
        inputs=inputs,
    )


def _adopt(project: Project, recipe: Recipe, path: Path) -> None:
    """Copies a recipe from elsewhere to where the registry keeps it.

    Raises:
        InvalidInput: another recipe is there already.
    """
    home = project.registry.recipe_path(recipe.adapter)
    if path.resolve() == home.resolve():
        return
    if not create_exclusively(home, path.read_bytes()) and home.read_bytes() != path.read_bytes():
        raise InvalidInput.one(
            f"adapter {recipe.adapter!r} has another recipe already: {home}",
            place=str(path),
            hint="edit that one and register it",
        )


def _recipe_text(project: Project, recipe: Recipe) -> str:
    """Returns the recipe as its author wrote it, or as it was mapped for a rebuild."""
    from adapterctl.stores.registry import dump_yaml

    home = project.registry.recipe_path(recipe.adapter)
    if home.is_file() and project.registry.recipe(recipe.adapter) == recipe:
        return home.read_text(encoding="utf-8")
    return dump_yaml(recipe)


def _take(adapter: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ADAPTER_FILES:
        shutil.copyfile(_adapter_file(adapter, name), folder / name)


def _adapter_file(adapter: Path, name: str) -> Path:
    path = adapter / name
    if not path.is_file():
        raise NotFound(
            f"no {name} in the adapter's folder",
            place=str(adapter),
            hint="--adapter takes a PEFT folder as save_pretrained writes it",
        )
    return path
