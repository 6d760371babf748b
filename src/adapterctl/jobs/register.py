"""Registering an adapter: the five checked and pinned, trained (or taken), judged, filed."""

from __future__ import annotations

import shutil
from pathlib import Path

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs import building, environment_lock, filing, gates, mlflow_run, probe, sides
from adapterctl.jobs.capsule import ADAPTER, read_capsule
from adapterctl.jobs.effect import must_take_effect
from adapterctl.jobs.encoding import prepared_pins
from adapterctl.jobs.executors.here import build
from adapterctl.jobs.filing import Filed
from adapterctl.jobs.inputs import pinning
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.sources import Sources, located
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.jobs.trail_file import TRAIL
from adapterctl.jobs.versions import ADAPTER_FILES, Pins, Result, Taken, file_version
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import TrainingFacts
from adapterctl.rules.as_used import said
from adapterctl.stores.files import create_exclusively
from adapterctl.stores.safetensors import weights_digest


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
        project.display.say(said(each))
    sources = gates.passed(project, found.recipe, run=found.run)
    filed = _register(
        project, sources, taken=Taken(folder=found.folder, run=found.run), device=device
    )
    shutil.rmtree(found.folder)
    return filed


def _register(project: Project, sources: Sources, *, taken: Taken | None, device: str) -> Filed:
    pins = pin(project, sources, taken=taken, device=device)
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
        built = build(project, sources, work=work, device=device)
        sources, training, prepared = built.sources, built.facts.training, built.facts.prepared
    else:
        _take(taken.folder, work / "adapter")
        training = taken.capsule.training if taken.capsule else None
        prepared = prepared_pins(project, sources)
    base = sides.open_base(sources, device=device)
    must_take_effect(project, sources, base=base, adapter=work / "adapter")
    answers = sides.evaluate(
        project, sources, base=base, adapter=work / "adapter", side=sources.recipe.adapter
    )
    answers = sides.judged(project, sources, answers)
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


def pin(project: Project, sources: Sources, *, taken: Taken | None, device: str) -> Pins:
    """Pins everything that a version is built from; ``taken`` is an adapter made elsewhere."""
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
