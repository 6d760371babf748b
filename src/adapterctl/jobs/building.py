"""From sources to an adapter folder with its trail and its predictions.

`train`, `register`, `rebuild` and `reproduce` all build through here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapterctl.jobs.inputs import starting
from adapterctl.jobs.inputs.sources import Sources, data_paths
from adapterctl.jobs.project import Project
from adapterctl.jobs.trail_file import TRAIL, write_trail
from adapterctl.records.canonical import pretty, rows_digest
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Command, Recipe
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
class Built:
    """A trained adapter: a PEFT folder, with ``trail.jsonl`` and ``training.json`` in it.

    Attributes:
        sources: what it was built from, with the recipe as it was used.
        trail: empty where a trainer command keeps none.
    """

    folder: Path
    facts: BuildFacts
    trail: tuple[TrailStep, ...]
    sources: Sources


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


def build(
    project: Project,
    sources: Sources,
    *,
    work: Path,
    device: str,
    threads: int | None = None,
    padded: bool = False,
    arithmetic: int = LATEST,
) -> Built:
    """Trains the adapter; an interrupted build in ``work`` goes on where it stopped.

    It starts from what lies in ``work/start``, if anything does.

    Args:
        padded: pad examples also where the base could do without; see `SlotJob`.
        arithmetic: how numbers are computed; see `SlotJob`.
    """
    examples = encoded(sources, log=project.display.say)
    match sources.recipe.trainer:
        case Command() as command:
            trained = _commanded(project, sources, command, work=work, device=device, n=threads)
        case _:
            learned = _taught(sources, examples[TRAIN], work=work)
            job = slot(sources, learned, work=work)
            job = replace(job, padded=padded, arithmetic=arithmetic)
            trained = _trained(project, sources, job, device=device, n=threads)
    facts = BuildFacts(
        training=trained.facts,
        environment=running_environment(device, threads, recipe=sources.recipe),
        prepared=_prepared_pins(sources, examples),
    )
    folder, trail = trained.adapter, tuple(trained.trail)
    if trail:
        write_trail(folder / TRAIL, trail)
    write_atomically(folder / FACTS, pretty(facts))
    used = corrected(sources.recipe, trained.facts.departures)
    return Built(folder=folder, facts=facts, trail=trail, sources=replace(sources, recipe=used))


def _taught(sources: Sources, examples: list[Example], *, work: Path) -> list[Example]:
    """Returns what is learned: where a teacher has answered, its answers."""
    answers = starting.targets(work, rows=len(sources.rows[TRAIN]))
    if answers is None:
        return examples
    if sources.recipe.task == "SEQ_CLS":
        return starting.softened(examples, answers, labels=sources.labels)
    rows = {TRAIN: starting.taught_rows(sources.rows[TRAIN], answers)}
    return encoded(replace(sources, rows=rows), log=lambda _: None)[TRAIN]


def _commanded(
    project: Project, sources: Sources, command: Command, *, work: Path, device: str, n: int | None
) -> Trained:
    """Trains through the recipe's own command, with ``n`` threads."""
    from adapterctl.jobs.trainers.command_training import train_by_command
    from adapterctl.training.determinism import cores, resolve_device
    from adapterctl.training.learning.job import Trained

    facts = train_by_command(
        project,
        sources,
        command,
        work=work,
        device=resolve_device(device),
        threads=n or cores(),
    )
    return Trained(name=sources.recipe.adapter, adapter=work / "adapter", trail=[], facts=facts)


def _trained(
    project: Project, sources: Sources, slot: SlotJob, *, device: str, n: int | None
) -> Trained:
    """Trains with the builtin trainer, with ``n`` threads."""
    from adapterctl.training.determinism import cores, resolve_device
    from adapterctl.training.learning.fleet import train
    from adapterctl.training.learning.job import Failed

    [result] = train(
        [slot],
        base_dir=sources.base_dir,
        device=resolve_device(device),
        threads=n or cores(),
        trust_remote_code=sources.recipe.trust_remote_code,
        log=follow(project),
    )
    if isinstance(result, Failed):
        raise result.error
    return result


def slot(sources: Sources, examples: list[Example], *, work: Path) -> SlotJob:
    """Returns the trainer's job; it starts from what lies in ``work/start``."""
    from adapterctl.training.learning.job import SlotJob

    recipe = sources.recipe
    return SlotJob(
        name=recipe.adapter,
        task=recipe.task,
        lora=recipe.lora,
        training=recipe.training,
        examples=examples,
        labels=list(sources.labels),
        # The trainer knows a base by its config and sizes: the same of others must not go on here.
        work_dir=work / "checkpoints" / str(sources.base.fingerprint).removeprefix("fp1:")[:16],
        out_dir=work / "adapter",
        base_name=sources.base.source.hub or sources.base.base,
        base_revision=sources.base.revision,
        initial_weights=starting.initial_weights(work),
    )


def follow(project: Project) -> Callable[[Progress], None]:
    """Shows each optimizer step as progress."""

    def log(step: Progress) -> None:
        loss = f"loss {step.loss:.3f}"
        project.display.progress(f"training {step.slot}", step.step, step.steps, note=loss)

    return log


def encoded(sources: Sources, *, log: Callable[[str], None]) -> dict[str, list[Example]]:
    """Returns the examples of every set: rendered text, token ids, loss mask, label."""
    from adapterctl.training.rows.text import encode
    from adapterctl.training.rows.tokenizer import load_tokenizer

    trust = sources.recipe.trust_remote_code
    tokenizer = load_tokenizer(sources.base_dir, trust_remote_code=trust)
    longest = _longest(sources, log=log)
    return {
        name: encode(
            rows,
            task=sources.recipe.task,
            tokenizer=tokenizer,
            labels=list(sources.labels),
            max_length=longest,
            place=data_paths(sources.recipe)[name],
            log=log,
        )
        for name, rows in sources.rows.items()
    }


def _longest(sources: Sources, *, log: Callable[[str], None]) -> int:
    """Returns the recipe's ``max_length``, or the base's own limit where that is lower."""
    from adapterctl.training.inspect import describe

    recipe = sources.recipe
    wanted = recipe.training.max_length
    context = describe(
        sources.base_dir, task=recipe.task, trust_remote_code=recipe.trust_remote_code
    ).context_length
    if context is None or wanted <= context:
        return wanted
    log(f"max_length {wanted} is more than {sources.base.base} can read: {context} is used")
    return context


def prepared_pins(project: Project, sources: Sources) -> dict[str, PreparedPin]:
    """Returns the digests of preprocessing and tokenisation, set by set (B1)."""
    return _prepared_pins(sources, encoded(sources, log=project.display.say))


def _prepared_pins(sources: Sources, examples: dict[str, list[Example]]) -> dict[str, PreparedPin]:
    from adapterctl.training.rows.text import encoded_digest

    return {
        name: PreparedPin(
            rows=len(rows),
            rows_sha256=rows_digest(rows),
            encoded_sha256=encoded_digest(examples[name]),
        )
        for name, rows in sources.rows.items()
    }


def discard(work: Path) -> None:
    """Removes the scratch folder of a finished build."""
    shutil.rmtree(work, ignore_errors=True)
