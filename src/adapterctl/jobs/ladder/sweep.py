"""The third rung: a small sweep of the learning rate, on a split of the training rows.

Trials run as a fleet on one frozen base, and stop early where the loss on the rows held out from
them stops falling; a trainer command runs them whole, one after the other. What wins is trained
anew on all rows. No evaluation set is looked at.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.jobs import sides
from adapterctl.jobs.building import Build, Built
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.ladder.climb import TRIAL_SECONDS, Attempt, Climb, Out
from adapterctl.jobs.wishes import Steps, all_built, asked
from adapterctl.records.canonical import pretty
from adapterctl.records.noun import Noun
from adapterctl.records.parity import Prediction
from adapterctl.records.reading import read_json
from adapterctl.rules.overlap import input_text
from adapterctl.rules.planning.budgets import device_seconds
from adapterctl.rules.planning.ladder import SWEEP
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.sweeps import best, held_out, mean_loss, rates
from adapterctl.rules.trainer_commands import command_of
from adapterctl.stores.files import write_atomically

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase

Losses = dict[float, float]
"""Learning rate to the lowest loss on held-out rows, in nats per target."""


class Swept(Noun, frozen=True, kw_only=True):
    """``swept.json``: learning rates and their losses, those that diverged left out.

    ``seconds`` is what the training of all trials took, of all devices together.
    """

    trials: list[tuple[float, float]]
    held_rows: int
    best: float
    seconds: float = 0.0


def attempt(climb: Climb) -> Steps[Attempt | Out]:
    """Returns the recipe with the best rate; nothing when that is the one carried over."""
    job, carried = climb.job, climb.sources.recipe.training.learning_rate
    file = job.work(SWEEP) / "swept.json"
    if not job.done(SWEEP, "swept"):
        found = yield from _sweep(climb, carried=carried)
        if isinstance(found, Out):
            return found
        write_atomically(file, pretty(found))
        job.note(SWEEP, "swept", best=found.best)
    swept = read_json(file.read_bytes(), Swept, file=str(file))
    details = {
        "held_out_loss": {f"{rate:g}": loss for rate, loss in swept.trials},
        "held_out_rows": swept.held_rows,
        TRIAL_SECONDS: swept.seconds,
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


def _sweep(climb: Climb, *, carried: float) -> Steps[Swept | Out]:
    rows = climb.sources.rows[TRAIN]
    held = held_out([input_text(row) for row in rows])
    if not held or len(held) == len(rows):
        return Out(why=f"{len(rows)} training rows are too few to hold some out")
    trials = yield from _trials(climb, held=frozenset(held), rates=rates(carried))
    losses = yield from _losses(climb, trials, held=held)
    losses = {rate: loss for rate, loss in losses.items() if math.isfinite(loss)}
    if not losses:
        return Out(why="no trial came to its end")
    return Swept(
        trials=sorted(losses.items()),
        held_rows=len(held),
        best=best(losses, carried=carried),
        seconds=sum(device_seconds(trial.facts.training) for trial in trials.values()),
    )


def _trials(climb: Climb, *, held: frozenset[int], rates: list[float]) -> Steps[dict[float, Built]]:
    """Builds the trials; one that diverged is no candidate.

    Raises:
        AdapterctlError: none came through: what stopped the first one.
    """
    job = climb.job
    wanted = [
        Build(
            name=f"{job.key} at {rate:g}",
            place=climb.place,
            sources=with_rate(climb.sources, rate),
            work=job.work(SWEEP) / "trials" / f"{rate:g}",
            device=job.device,
            shards=job.shards,
            held=held,
        )
        for rate in rates
    ]
    outcomes = yield from all_built(wanted)
    came_through = {r: o for r, o in zip(rates, outcomes, strict=True) if isinstance(o, Built)}
    errors = [outcome for outcome in outcomes if isinstance(outcome, AdapterctlError)]
    if not came_through and errors:
        raise errors[0]
    return came_through


def _losses(climb: Climb, trials: dict[float, Built], *, held: list[int]) -> Steps[Losses]:
    """Returns the loss of each trial on the rows held out; a trainer command's is asked for."""
    if command_of(climb.sources.recipe) is None:
        return {rate: one.held_loss for rate, one in trials.items() if one.held_loss is not None}
    sources = climb.sources
    kept = [sources.rows[TRAIN][number] for number in sorted(held)]

    def ask(base: LoadedBase) -> dict[float, list[Prediction]]:
        return {
            rate: sides.answers_to_training_rows(
                climb.place, sources, kept, base=base, adapter=one.folder
            )
            for rate, one in trials.items()
        }

    answers = yield from asked(sources, ask, device=climb.job.device)
    return {rate: mean_loss(found, task=sources.recipe.task) for rate, found in answers.items()}
