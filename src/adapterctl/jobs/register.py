"""Registering an adapter: the five checked and pinned, trained (or taken), judged, filed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs import building, environment_lock, filing, gates, mlflow_run, probe
from adapterctl.jobs.capsule import ADAPTER, read_capsule
from adapterctl.jobs.effect import must_take_effect
from adapterctl.jobs.filing import Announce, Filed
from adapterctl.jobs.inputs import pinning
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.sources import Sources, located
from adapterctl.jobs.locks import alone
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.jobs.trail_file import TRAIL
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
    taken = None if adapter is None else Taken(folder=adapter)
    return _register(project, sources, taken=taken, device=device)


def register_capsule(project: Project, folder: Path, *, device: str) -> Filed:
    """Registers what a run elsewhere left in ``folder``, with the recipe as it was used.

    Raises:
        NotRebuildable: a gate refuses; every gap is named.
        InvalidInput: base, code or data are not those of the run; every one that differs.
        NotFound: not a capsule. Mismatch: its adapter is not the one that the run left.
    """
    capsule = read_capsule(folder)
    filing.must_be_writable(project, capsule.adapter)
    sources = gates.passed(project, capsule.recipe, capsule=capsule)
    taken = Taken(
        folder=folder / ADAPTER,
        run=capsule.run,
        capsule=capsule,
        lock=folder / environment_lock.LOCK,
    )
    return _register(project, sources, taken=taken, device=device)


def register_run(project: Project, recipe_path: Path, run: str, *, device: str) -> Filed:
    """Registers the adapter that an MLflow run left, with the recipe as MLflow says it was used.

    Args:
        project: where.
        recipe_path: the recipe.
        run: ``RUN_ID``, or ``RUN_ID/FOLDER`` where the run holds several adapters.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        NotRebuildable: a gate refuses; every gap is named.
        NotFound: no such run, or no adapter among its artifacts.
        InvalidInput: recipe, data or code; every problem of a kind at once.
    """
    recipe = project.registry.recipe_at(located(project, recipe_path))
    filing.must_be_writable(project, recipe.adapter)
    found = mlflow_run.take(project, recipe, run)
    for each in found.run.departures:
        project.display.say(
            f"{each.path}: the run used {each.used!r}, the recipe says {each.recipe!r}"
        )
    sources = gates.passed(project, found.recipe, run=found.run)
    filed = _register(
        project, sources, taken=Taken(folder=found.folder, run=found.run), device=device
    )
    shutil.rmtree(found.folder)
    return filed


def _register(project: Project, sources: Sources, *, taken: Taken | None, device: str) -> Filed:
    pins = _pin(project, sources, taken=taken, device=device)
    work = project.private / "work" / pins.inputs
    with alone(work):
        known = filing.find(project, sources.recipe.adapter, pins.inputs)
        filed = (
            _build_and_file(project, sources, pins, work=work, taken=taken, device=device)
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
    taken: Taken | None,
    device: str,
) -> Filed:
    training: TrainingFacts | None
    if taken is None:
        built = building.build(project, sources, work=work, device=device)
        sources, training, prepared = built.sources, built.facts.training, built.facts.prepared
    else:
        _take(taken.folder, work / "adapter")
        training = taken.capsule.training if taken.capsule else None
        prepared = building.prepared_pins(project, sources)
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
        code_root=code_root(project, sources.recipe),
        result=Result(
            training=training,
            prepared=prepared,
            metrics=answers.metrics,
            predictions={"adapter": answers.predictions},
            taken=taken,
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


def _pin(project: Project, sources: Sources, *, taken: Taken | None, device: str) -> Pins:
    data = pinning.pin_data(project, sources.recipe)
    selection = pinning.pin_selection(project, sources.recipe, data)
    capsule = taken.capsule if taken else None
    environment = (
        capsule.environment
        if capsule
        else building.running_environment(device, recipe=sources.recipe)
    )
    origin = weights_digest(_adapter_file(taken.folder, ADAPTER_FILES[1])) if taken else None
    inputs = pinning.inputs_digest(sources, data, environment=environment, origin=origin)
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
    from adapterctl.records.yaml_edit import dump_yaml

    home = project.registry.recipe_path(recipe.adapter)
    if home.is_file() and project.registry.recipe(recipe.adapter) == recipe:
        return home.read_text(encoding="utf-8")
    return dump_yaml(recipe)


def _take(adapter: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ADAPTER_FILES:
        shutil.copyfile(_adapter_file(adapter, name), folder / name)
    if (adapter / TRAIL).is_file():
        shutil.copyfile(adapter / TRAIL, folder / TRAIL)


def _adapter_file(adapter: Path, name: str) -> Path:
    path = adapter / name
    if not path.is_file():
        raise NotFound(
            f"no {name} in the adapter's folder",
            place=str(adapter),
            hint="--adapter takes a PEFT folder as save_pretrained writes it",
        )
    return path
