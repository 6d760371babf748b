"""Training one adapter from the working tree, as the stages of dvc.yaml call it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from adapterctl.jobs import building
from adapterctl.jobs.building import Built
from adapterctl.jobs.executors.here import build
from adapterctl.jobs.inputs.pinning import code_digest
from adapterctl.jobs.inputs.sources import Sources, gather
from adapterctl.jobs.inputs.starting import START
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import digest
from adapterctl.rules.arithmetic import LATEST
from adapterctl.rules.environments import result_bearing
from adapterctl.rules.recipes import recipe_digest
from adapterctl.rules.trainer_commands import command_of


def train(
    project: Project,
    adapter: str,
    *,
    out: Path,
    device: str,
    threads: int | None = None,
    padded: bool = False,
    arithmetic: int = LATEST,
    shards: int | None = None,
) -> Built:
    """Trains into ``out``: a PEFT folder with the trail and the facts of the run beside it.

    Nothing is registered. An interrupted run goes on from its last checkpoint. With ``padded``
    examples are padded also where the base could do without; ``arithmetic`` is a version's.
    """
    sources = gather(project, project.registry.recipe(adapter))
    environment = building.running_environment(device, threads, recipe=sources.recipe)
    own_trainer = command_of(sources.recipe) is not None
    bearing = result_bearing(environment, own_trainer=own_trainer)
    work = project.private / "work" / f"train-{_key(sources, bearing)}"
    with alone(work):
        _start_as_recorded(project, work)
        built = build(
            project,
            sources,
            work=work,
            device=device,
            threads=threads,
            padded=padded,
            arithmetic=arithmetic,
            shards=shards,
        )
        _move(built.folder, out)
    building.discard(work)
    return replace(built, folder=out)


def _start_as_recorded(project: Project, work: Path) -> None:
    """In a clean room the version lies beside its inputs, with what its training started from."""
    recorded = project.root / ".version" / START
    if recorded.is_dir():
        shutil.copytree(recorded, work / START, dirs_exist_ok=True)


def _key(sources: Sources, environment: object) -> str:
    return digest(
        [
            sources.base.fingerprint,
            sources.rows_sha256,
            code_digest(sources.code),
            recipe_digest(sources.recipe),
            environment,
        ]
    )


def _move(folder: Path, out: Path) -> None:
    """Puts the finished folder in place whole: copied beside ``out``, then renamed."""
    temporary = out.with_name(f".{out.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, temporary)
    shutil.rmtree(out, ignore_errors=True)
    temporary.replace(out)
