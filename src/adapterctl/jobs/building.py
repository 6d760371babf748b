"""What is built, and what comes of it: an adapter folder with its trail and its facts.

Where builds run is up to `executors`; what goes in and what comes out is the same everywhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.encoding import encoded, pins_of
from adapterctl.jobs.inputs import starting
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.project import Project
from adapterctl.jobs.trail_file import TRAIL, write_trail
from adapterctl.records.canonical import pretty
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import Environment, PreparedPin, TrailStep, TrainingFacts
from adapterctl.rules.arithmetic import LATEST
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.trainer_commands import command_of
from adapterctl.rules.trainer_output import corrected
from adapterctl.stores.files import write_atomically

if TYPE_CHECKING:
    from adapterctl.training.learning.job import Progress, SlotJob, Trained
    from adapterctl.training.rows.text import Example

FACTS = "training.json"


class BuildFacts(Noun, frozen=True, kw_only=True):
    """``training.json`` beside a built adapter: what the build was, in numbers."""

    training: TrainingFacts
    environment: Environment
    prepared: dict[str, PreparedPin]


@dataclass(frozen=True, kw_only=True)
class Build:
    """An adapter to build; an interrupted build in ``work`` goes on where it stopped.

    Attributes:
        name: differs from those that are built at the same time; it changes no byte.
        place: the project, or the clean room, that holds its code.
        work: scratch folder; training starts from what lies in ``work/start``, if anything does.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: intra-op threads; ``None`` takes one per core.
        padded: pad examples also where the base could do without; see `SlotJob`.
        arithmetic: how numbers are computed; see `SlotJob`.
        shards: over how many processes the base is spread; ``None`` is as params.yaml says.
        held: numbers of the training rows that are not learned from: the builtin trainer looks
            at the loss on them on the way, and stops when that has stopped falling.
    """

    name: str
    place: Project
    sources: Sources
    work: Path
    device: str
    threads: int | None = None
    padded: bool = False
    arithmetic: int = LATEST
    shards: int | None = None
    held: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Built:
    """A trained adapter: a PEFT folder, with ``trail.jsonl`` and ``training.json`` in it.

    Attributes:
        sources: what it was built from, with the recipe as it was used.
        trail: empty where a trainer command keeps none.
        held_loss: the lowest loss per target on rows that were held out.
    """

    folder: Path
    facts: BuildFacts
    trail: tuple[TrailStep, ...]
    sources: Sources
    held_loss: float | None = None


Outcome = Built | AdapterctlError
"""What became of a build: what stops one concerns it alone."""


def running_environment(
    device: str, threads: int | None = None, *, recipe: Recipe | None = None
) -> Environment:
    """Returns the facts of the environment that this process trains in.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: intra-op threads; None takes one per core.
        recipe: what is trained: of a trainer command nobody knows whether it is deterministic.
    """
    from adapterctl.training.determinism import cores, environment, resolve_device

    found = environment(resolve_device(device), threads=threads or cores())
    promised = recipe is None or command_of(recipe) is None
    return msgspec.structs.replace(found, deterministic=promised)


def succeeded(outcome: Outcome) -> Built:
    """Returns what was built.

    Raises:
        AdapterctlError: what stopped the build.
    """
    if isinstance(outcome, AdapterctlError):
        raise outcome
    return outcome


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A build whose rows are encoded; ``slot`` is the builtin trainer's job."""

    build: Build
    examples: dict[str, list[Example]]
    slot: SlotJob | None


def readied(build: Build) -> Ready:
    """Returns a build with its rows encoded.

    Raises:
        AdapterctlError: rows that are not in the task's format, or answers of another number.
    """
    examples = encoded(build.sources, log=build.place.display.say)
    if command_of(build.sources.recipe) is not None:
        return Ready(build=build, examples=examples, slot=None)
    learned = _taught(build.sources, examples[TRAIN], work=build.work)
    return Ready(build=build, examples=examples, slot=_slot(build, learned))


def _taught(sources: Sources, examples: list[Example], *, work: Path) -> list[Example]:
    """Returns what is learned: where a teacher has answered, its answers."""
    if starting.learns_tokens(work):
        return starting.listening(work, examples)
    answers = starting.targets(work, rows=len(sources.rows[TRAIN]))
    if answers is None:
        return examples
    if sources.recipe.task == "SEQ_CLS":
        return starting.softened(examples, answers, labels=sources.labels)
    rows = {TRAIN: starting.taught_rows(sources.rows[TRAIN], answers)}
    return encoded(replace(sources, rows=rows), log=lambda _: None)[TRAIN]


def _slot(build: Build, examples: list[Example]) -> SlotJob:
    from adapterctl.training.learning.job import SlotJob

    sources, recipe, work = build.sources, build.sources.recipe, build.work
    numbered = list(enumerate(examples))
    return SlotJob(
        name=build.name,
        task=recipe.task,
        lora=recipe.lora,
        training=recipe.training,
        examples=[example for row, example in numbered if row not in build.held],
        labels=list(sources.labels),
        # The trainer knows a base by its config and sizes: the same of others must not go on here.
        work_dir=work / "checkpoints" / str(sources.base.fingerprint).removeprefix("fp1:")[:16],
        out_dir=work / "adapter",
        base_name=sources.base.source.hub or sources.base.base,
        base_revision=sources.base.revision,
        initial_weights=starting.initial_weights(work),
        held=[example for row, example in numbered if row in build.held],
        padded=build.padded,
        arithmetic=build.arithmetic,
    )


def finished(ready: Ready, trained: Trained) -> Built:
    """Puts trail and facts beside the adapter."""
    build = ready.build
    sources = build.sources
    facts = BuildFacts(
        training=trained.facts,
        environment=running_environment(build.device, build.threads, recipe=sources.recipe),
        prepared=pins_of(sources, ready.examples),
    )
    folder, trail = trained.adapter, tuple(trained.trail)
    if trail:
        write_trail(folder / TRAIL, trail)
    write_atomically(folder / FACTS, pretty(facts))
    used = corrected(sources.recipe, trained.facts.departures)
    return Built(
        folder=folder,
        facts=facts,
        trail=trail,
        sources=replace(sources, recipe=used),
        held_loss=trained.held_loss,
    )


def follow(project: Project) -> Callable[[Progress], None]:
    """Shows each optimizer step as progress."""

    def log(step: Progress) -> None:
        speed = step.tokens_per_second
        project.display.step(step.slot, step.step, step.steps, loss=step.loss, speed=speed)

    return log


def discard(work: Path) -> None:
    """Removes the scratch folder of a finished build."""
    shutil.rmtree(work, ignore_errors=True)
