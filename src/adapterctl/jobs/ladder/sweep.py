"""The third rung: a small sweep of the learning rate, on a split of the training rows.

Trials run as a fleet on one frozen base, and stop early where the loss on the rows held out from
them stops falling; a trainer command runs them whole, one after the other. What wins is trained
anew on all rows. No evaluation set is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.jobs import building, sides
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.ladder.climb import Attempt, Climb, Out
from adapterctl.records.canonical import pretty
from adapterctl.records.noun import Noun
from adapterctl.records.reading import read_json
from adapterctl.rules.overlap import input_text
from adapterctl.rules.planning.ladder import SWEEP
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.sweeps import best, held_out, mean_loss, rates
from adapterctl.rules.trainer_commands import command_of
from adapterctl.stores.files import write_atomically

if TYPE_CHECKING:
    from adapterctl.training.learning.job import SlotJob, SlotResult

Losses = dict[float, float]
"""Learning rate to the lowest loss on held-out rows, in nats per target."""


class Swept(Noun, frozen=True, kw_only=True):
    """``swept.json``: learning rates and their losses, those that diverged left out."""

    trials: list[tuple[float, float]]
    held_rows: int
    best: float


def attempt(climb: Climb) -> Attempt | Out:
    """Returns the recipe with the best rate; nothing when that is the one carried over."""
    job, carried = climb.job, climb.sources.recipe.training.learning_rate
    file = job.work(SWEEP) / "swept.json"
    if not job.done(SWEEP, "swept"):
        found = _sweep(climb, carried=carried)
        if isinstance(found, Out):
            return found
        write_atomically(file, pretty(found))
        job.note(SWEEP, "swept", best=found.best)
    swept = read_json(file.read_bytes(), Swept, file=str(file))
    details = {
        "held_out_loss": {f"{rate:g}": loss for rate, loss in swept.trials},
        "held_out_rows": swept.held_rows,
        "learning_rate": swept.best,
    }
    if swept.best == carried:
        return Out(
            why="no other learning rate is better on held-out training rows", details=details
        )
    return Attempt(rung=SWEEP, sources=with_rate(climb.sources, swept.best), details=details)


def with_rate(sources: Sources, rate: float) -> Sources:
    """Returns the sources with another learning rate in their recipe."""
    training = msgspec.structs.replace(sources.recipe.training, learning_rate=rate)
    return replace(sources, recipe=msgspec.structs.replace(sources.recipe, training=training))


def _sweep(climb: Climb, *, carried: float) -> Swept | Out:
    rows = climb.sources.rows[TRAIN]
    held = held_out([input_text(row) for row in rows])
    if not held or len(held) == len(rows):
        return Out(why=f"{len(rows)} training rows are too few to hold some out")
    by_command = command_of(climb.sources.recipe) is not None
    losses = (_commanded if by_command else _fleet)(climb, held=set(held), rates=rates(carried))
    losses = {rate: loss for rate, loss in losses.items() if math.isfinite(loss)}
    if not losses:
        return Out(why="no trial came to its end")
    return Swept(
        trials=sorted(losses.items()), held_rows=len(held), best=best(losses, carried=carried)
    )


def _fleet(climb: Climb, *, held: set[int], rates: list[float]) -> Losses:
    from adapterctl.training.determinism import cores, resolve_device
    from adapterctl.training.learning.fleet import train

    sources, job = climb.sources, climb.job
    results = train(
        _trials(climb, held=held, rates=rates),
        base_dir=sources.base_dir,
        device=resolve_device(job.device),
        threads=cores(),
        trust_remote_code=sources.recipe.trust_remote_code,
        log=building.follow(job.project),
    )
    return _losses(dict(zip(rates, results, strict=True)))


def _trials(climb: Climb, *, held: set[int], rates: list[float]) -> list[SlotJob]:
    examples = building.encoded(climb.sources, log=lambda _: None)[TRAIN]
    learned = [example for row, example in enumerate(examples) if row not in held]
    trials = []
    for rate in rates:
        work = climb.job.work(SWEEP) / "trials" / f"{rate:g}"
        slot = building.slot(with_rate(climb.sources, rate), learned, work=work)
        kept = [example for row, example in enumerate(examples) if row in held]
        trials.append(replace(slot, name=f"learning rate {rate:g}", held=kept))
    return trials


def _losses(results: Mapping[float, SlotResult]) -> Losses:
    """Returns the losses of the trials that came through; one that diverged is no candidate.

    Raises:
        AdapterctlError: none came through: what stopped the first one.
    """
    from adapterctl.training.learning.job import Failed

    found: Losses = {}
    errors: list[AdapterctlError] = []
    for rate, result in results.items():
        if isinstance(result, Failed):
            errors.append(result.error)
        elif result.held_loss is not None:
            found[rate] = result.held_loss
    if not found and errors:
        raise errors[0]
    return found


def _commanded(climb: Climb, *, held: set[int], rates: list[float]) -> Losses:
    rows = climb.sources.rows[TRAIN]
    learned = [row for number, row in enumerate(rows) if number not in held]
    some = replace(climb.sources, rows={**climb.sources.rows, TRAIN: learned})
    kept = [rows[number] for number in sorted(held)]
    base = sides.open_base(climb.sources, device=climb.job.device)
    losses: Losses = {}
    for rate in rates:
        work = climb.job.work(SWEEP) / "trials" / f"{rate:g}"
        built = building.build(
            climb.place, with_rate(some, rate), work=work, device=climb.job.device
        )
        answers = sides.answers_to_training_rows(
            climb.place, climb.sources, kept, base=base, adapter=built.folder
        )
        losses[rate] = mean_loss(answers, task=climb.sources.recipe.task)
    return losses
