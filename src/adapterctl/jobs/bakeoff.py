"""A bake-off: each candidate successor is trained for an equal while, and all are ranked.

Work and pace of each candidate are kept under ``.adapterctl/bakeoffs/``: the same bake-off again
takes the same steps.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs import clean_room, sides
from adapterctl.jobs.building import Build
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.inputs.base_folder import locate
from adapterctl.jobs.inputs.sources import Row, Sources, gather
from adapterctl.jobs.locks import alone
from adapterctl.jobs.plan import plan
from adapterctl.jobs.project import Project
from adapterctl.jobs.salvage import if_lost
from adapterctl.jobs.together import together
from adapterctl.jobs.wishes import Steps, asked, built
from adapterctl.records.canonical import digest, pretty
from adapterctl.records.parity import Prediction
from adapterctl.records.reading import read_json
from adapterctl.records.version import VersionRecord
from adapterctl.rules.bakeoffs import (
    PACE_STEPS,
    BakeOff,
    Pace,
    Trial,
    Unable,
    metric_of,
    ranking,
    steps_within,
)
from adapterctl.rules.mapping.targets import Blocker, blockers_of
from adapterctl.rules.overlap import input_text
from adapterctl.rules.planning.budgets import Budget, budget
from adapterctl.rules.planning.plans import RebuildPlan
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.sweeps import held_out
from adapterctl.rules.trainer_commands import command_of
from adapterctl.stores.files import write_atomically

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase

PACE = "pace.json"


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """A candidate successor that may be tried."""

    project: Project
    record: VersionRecord
    plan: RebuildPlan
    trial: Budget
    folder: Path
    device: str


def bakeoff(
    project: Project, wanted: str, *, to: Sequence[str], trial: str, device: str
) -> BakeOff:
    """Trains an adapter for a while on each candidate successor, and ranks them.

    Args:
        project: where.
        wanted: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        to: the candidates, each once.
        trial: what each is given: ``15m``, ``90s``, ``1h``, or money at the project's prices.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        InvalidInput: no time; or a trainer command, or a task, that cannot be tried.
        NotFound: there is no such adapter.
    """
    record = if_lost(project, project.registry.record(*project.version_of(wanted)))
    metric = _must_be_possible(record)
    given = budget(trial, project.policy.prices, place="--trial")
    found = [
        _entered(project, record, base, trial=given, device=device) for base in dict.fromkeys(to)
    ]
    entries = [one for one in found if isinstance(one, _Entry)]
    ends = _all_tried(project, record, entries)
    tried = [end for end in ends.values() if isinstance(end, Trial)]
    level = project.policy.parity.level / max(1, len(tried) - 1)
    return BakeOff(
        adapter=record.adapter,
        version=record.version,
        trial=given.text,
        metric=metric,
        held_rows=len(tried[0].answers) if tried else 0,
        whole_steps=_whole(record),
        level=level,
        ranked=ranking(tried, metric=metric, level=level, seed=record.recipe.training.seed),
        unable=[
            *(one for one in found if isinstance(one, Unable)),
            *(
                Unable(base=base, blockers=blockers_of(end))
                for base, end in ends.items()
                if isinstance(end, AdapterctlError)
            ),
        ],
    )


def _must_be_possible(record: VersionRecord) -> str:
    """Returns the metric that trials are ranked by.

    Raises:
        InvalidInput: nothing can be tried.
    """
    metric, place = metric_of(record.recipe.task), f"{record.adapter}@{record.version}"
    if metric is None:
        raise InvalidInput.one(
            f"trials of the task {record.recipe.task} cannot be ranked",
            place=place,
            hint="SEQ_CLS and CAUSAL_LM can",
        )
    if command_of(record.recipe) is not None:
        raise InvalidInput.one(
            "a trainer command cannot be told when to stop",
            place=place,
            hint=f"adapterctl plan {place} --to BASE, and rebuild on each candidate",
        )
    return metric


def _entered(
    project: Project, record: VersionRecord, base: str, *, trial: Budget, device: str
) -> _Entry | Unable:
    """Returns a candidate with its plan, or what blocks it."""
    name = f"{record.adapter}@{record.version}"
    if base == record.base.base:
        own = Blocker(what=f"{name} stands on it already", mend="name a base to move to")
        return Unable(base=base, blockers=[own])
    try:
        found = plan(project, name, to=base, device=device)
    except AdapterctlError as error:
        return Unable(base=base, blockers=blockers_of(error))
    if found.blockers:
        return Unable(base=base, blockers=found.blockers)
    return _Entry(
        project=project,
        record=record,
        plan=found,
        trial=trial,
        folder=_home(project, record) / base,
        device=device,
    )


def _home(project: Project, record: VersionRecord) -> Path:
    return project.private / "bakeoffs" / f"{record.adapter}-{record.version}"


def _whole(record: VersionRecord) -> int | None:
    return record.training.steps if record.training else None


def _all_tried(
    project: Project, record: VersionRecord, entries: Sequence[_Entry]
) -> dict[str, Trial | AdapterctlError]:
    if not entries:
        return {}
    with alone(_home(project, record)):
        jobs = {entry.plan.new_base: _tried(entry) for entry in entries}
        return together(
            jobs,
            Here(),
            display=project.display,
            told=lambda end: f"{end.pace.steps} steps in {end.seconds:,.0f} s",
        )


def _tried(entry: _Entry) -> Steps[Trial]:
    """Lays a room out, trains on all rows but those held out, and asks those."""
    project, recipe = entry.project, entry.plan.proposed_recipe
    room = clean_room.unpack(project, entry.record, entry.folder / "room")
    base = project.registry.base(recipe.base)
    clean_room.put_base(room.root, base, folder=locate(project, base))
    clean_room.put_recipe(room.root, recipe)
    sources = gather(room, recipe, code=entry.record.code.files)
    learned, kept = _split(sources)
    pace = yield from _pace(entry, room, learned)
    trained = yield from built(_build(entry, room, learned, steps=pace.steps, work="trial"))

    def ask(loaded: LoadedBase) -> list[Prediction]:
        return sides.answers_to_training_rows(
            room, sources, kept, base=loaded, adapter=trained.folder
        )

    answers = yield from asked(sources, ask, device=entry.device)
    seconds = trained.facts.training.seconds or 0.0
    return Trial(base=recipe.base, pace=pace, seconds=seconds, answers=answers)


def _split(sources: Sources) -> tuple[Sources, list[Row]]:
    """Returns the sources without the rows that are held out, and these.

    Raises:
        InvalidInput: there are too few rows.
    """
    rows = sources.rows[TRAIN]
    held = set(held_out([input_text(row) for row in rows]))
    if not held or len(held) == len(rows):
        raise InvalidInput.one(
            f"{len(rows)} training rows are too few to hold some out",
            place=sources.recipe.data.train.path,
            hint="rebuild on each candidate, and compare on the evaluation sets",
        )
    learned = [row for number, row in enumerate(rows) if number not in held]
    kept = [row for number, row in enumerate(rows) if number in held]
    return replace(sources, rows={**sources.rows, TRAIN: learned}), kept


def _pace(entry: _Entry, room: Project, learned: Sources) -> Steps[Pace]:
    """Returns the pace that was measured on the same inputs before, or measures it."""
    file = entry.folder / PACE
    inputs = digest([entry.plan.basis, entry.plan.proposed_recipe, learned.rows_sha256[TRAIN]])
    if file.is_file():
        known = read_json(file.read_bytes(), Pace, file=str(file))
        if (known.inputs, known.trial_seconds) == (inputs, entry.trial.seconds):
            return known
    shutil.rmtree(entry.folder / "pace", ignore_errors=True)
    shutil.rmtree(entry.folder / "trial", ignore_errors=True)
    run = yield from built(_build(entry, room, learned, steps=PACE_STEPS, work="pace"))
    facts = run.facts.training
    per_step = (facts.seconds or 0.0) / (facts.steps or PACE_STEPS)
    found = Pace(
        inputs=inputs,
        trial_seconds=entry.trial.seconds,
        per_step=per_step,
        steps=steps_within(entry.trial.seconds, per_step, whole=_whole(entry.record)),
    )
    write_atomically(file, pretty(found))
    return found


def _build(entry: _Entry, room: Project, learned: Sources, *, steps: int, work: str) -> Build:
    recipe = learned.recipe
    training = msgspec.structs.replace(recipe.training, max_steps=steps)
    return Build(
        name=f"{work} on {recipe.base}",
        place=room,
        sources=replace(learned, recipe=msgspec.structs.replace(recipe, training=training)),
        work=entry.folder / work,
        device=entry.device,
    )
