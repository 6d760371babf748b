"""The noise floor under negative flips: a candidate's recipe, trained by other seeds.

What a seed gave is kept under ``.adapterctl/noise/`` by the digest of all that decides it: a
rebuild and a comparison share it, and nothing is trained twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapterctl.jobs import building, filing, sides
from adapterctl.jobs.building import Build, succeeded
from adapterctl.jobs.inputs.pinning import code_digest
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.inputs.starting import START, start_digest
from adapterctl.jobs.parity import Answers, terms_of
from adapterctl.jobs.project import Project
from adapterctl.jobs.wishes import Steps, all_built, asked
from adapterctl.records.canonical import digest
from adapterctl.records.parity import NegativeFlips, ParityReport
from adapterctl.rules.environments import result_bearing
from adapterctl.rules.parity.noise import with_floor
from adapterctl.rules.recipes import recipe_digest
from adapterctl.rules.trainer_commands import command_of

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase

SIDE = "seed"


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What is trained anew by other seeds.

    Attributes:
        project: where what they gave is kept.
        place: where the code lies: the project, or a clean room.
        sources: what the candidate was built from.
        built: the candidate's folder, in which lies what its training started from, if anything.
        seeds: how many others.
    """

    project: Project
    place: Project
    sources: Sources
    built: Path
    seeds: int
    device: str


@dataclass(frozen=True, kw_only=True)
class _Seed:
    """One training by another seed, and the folder of its own."""

    sources: Sources
    folder: Path

    @property
    def number(self) -> int:
        return self.sources.recipe.training.seed

    def answers(self) -> Answers | None:
        """Returns what it answered, if it was asked on every set."""
        sets = self.sources.recipe.data.evaluation
        found = {name: filing.read_predictions(self.folder, SIDE, name) for name in sets}
        whole = {name: each for name, each in found.items() if each is not None}
        return whole if len(whole) == len(sets) else None


def floored(noise: Noise, report: ParityReport, *, candidate: Answers) -> Steps[ParityReport]:
    """Returns the report with a noise floor under the flips of each set.

    Args:
        noise: what is trained.
        report: the candidate's.
        candidate: what it answered.
    """
    if noise.seeds == 0 or not report.negative_flips:
        return report
    runs = [candidate, *(yield from _runs(noise))]
    recipe = noise.sources.recipe
    drop = terms_of(noise.project, recipe).flip_drop

    def on(counted: NegativeFlips) -> NegativeFlips:
        metrics = recipe.data.evaluation[counted.set].metrics
        answers = [run[counted.set] for run in runs]
        return with_floor(counted, answers, metrics=metrics, drop=drop, level=report.level)

    return msgspec.structs.replace(
        report, negative_flips=[on(counted) for counted in report.negative_flips]
    )


def _runs(noise: Noise) -> Steps[list[Answers]]:
    seeds = [_seed(noise, number) for number in range(1, noise.seeds + 1)]
    missing = [seed for seed in seeds if seed.answers() is None]
    if missing:
        yield from _train_and_ask(noise, missing)
    return [answers for seed in seeds if (answers := seed.answers()) is not None]


def _seed(noise: Noise, number: int) -> _Seed:
    recipe = noise.sources.recipe
    training = msgspec.structs.replace(recipe.training, seed=recipe.training.seed + number)
    other = msgspec.structs.replace(recipe, training=training)
    sources = replace(noise.sources, recipe=other)
    environment = building.running_environment(noise.device, recipe=other)
    key = digest(
        [
            sources.base.fingerprint,
            sources.rows_sha256,
            code_digest(sources.code),
            recipe_digest(other),
            start_digest(noise.built),
            result_bearing(environment, own_trainer=command_of(other) is not None),
        ]
    )
    return _Seed(sources=sources, folder=noise.project.private / "noise" / key)


def _train_and_ask(noise: Noise, seeds: Sequence[_Seed]) -> Steps[None]:
    """Trains as a fleet on one frozen base, asks, and keeps the answers alone."""
    builds = [_build(noise, seed) for seed in seeds]
    outcomes = yield from all_built(builds)
    trained = [succeeded(outcome) for outcome in outcomes]

    def ask(base: LoadedBase) -> list[Answers]:
        pairs = zip(seeds, trained, strict=True)
        return [_answers(noise, seed, one.folder, base=base) for seed, one in pairs]

    found = yield from asked(noise.sources, ask, device=noise.device)
    for seed, answers in zip(seeds, found, strict=True):
        filing.write_predictions(seed.folder, SIDE, answers)
        building.discard(seed.folder / "work")


def _build(noise: Noise, seed: _Seed) -> Build:
    work = seed.folder / "work"
    if (noise.built / START).is_dir():
        shutil.copytree(noise.built / START, work / START, dirs_exist_ok=True)
    recipe = seed.sources.recipe
    return Build(
        name=f"{recipe.adapter} on {recipe.base}, seed {seed.number}",
        place=noise.place,
        sources=seed.sources,
        work=work,
        device=noise.device,
    )


def _answers(noise: Noise, seed: _Seed, folder: Path, *, base: LoadedBase) -> Answers:
    side = f"seed {seed.number}"
    found = sides.evaluate(noise.place, seed.sources, base=base, adapter=folder, side=side)
    return found.predictions
