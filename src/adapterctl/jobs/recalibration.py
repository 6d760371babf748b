"""Decision thresholds of a candidate, set anew by what the old adapter decided.

Both sides are asked a part of the training rows; no evaluation set is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.jobs import clean_room, sides
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.inputs.sources import Row, Sources, gather
from adapterctl.jobs.ladder.climb import Climb
from adapterctl.jobs.ladder.climbing import Summit
from adapterctl.jobs.project import Project
from adapterctl.jobs.wishes import Steps, asked
from adapterctl.records.parity import Prediction, Threshold
from adapterctl.rules.overlap import input_text
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.sweeps import held_out
from adapterctl.rules.thresholds import recalibrated, stale, with_thresholds

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase


def set_anew(climb: Climb, summit: Summit) -> Steps[Summit]:
    """Returns the summit with the thresholds of its candidate, old and new, in its report."""
    thresholds = climb.job.record.recipe.thresholds
    if not thresholds:
        return summit
    found = yield from _recalibrated(climb, summit, thresholds)
    candidate = summit.candidate
    recipe = with_thresholds(candidate.judged.recipe, found)
    report = msgspec.structs.replace(candidate.judged.report, thresholds=found)
    judged = msgspec.structs.replace(candidate.judged, report=report, recipe=recipe)
    sources = replace(candidate.sources, recipe=recipe)
    return replace(summit, candidate=replace(candidate, judged=judged, sources=sources))


def _recalibrated(
    climb: Climb, summit: Summit, thresholds: Mapping[str, float]
) -> Steps[list[Threshold]]:
    job, new = climb.job, summit.candidate
    if climb.sources.recipe.data.train.salvaged:
        return stale(thresholds, "the training rows are gone")
    try:
        checked(job.project, job.record.base)
    except AdapterctlError as error:
        return stale(thresholds, f"the old adapter cannot run: {error.problems[0].what}")
    clean_room.put_recorded_base(job.project, job.record, climb.place.root)
    old = gather(climb.place, job.record.recipe, code=job.record.code.files)
    rows = [old.rows[TRAIN][n] for n in held_out([input_text(row) for row in old.rows[TRAIN]])]
    before = yield from _answers(
        climb.place, old, rows, adapter=climb.place.root / ".version" / "adapter", on=job.device
    )
    now = yield from _answers(
        climb.place, new.sources, rows, adapter=new.folder / "adapter", on=job.device
    )
    return [
        _one(label, value, before=before, now=now) for label, value in sorted(thresholds.items())
    ]


def _answers(
    place: Project, sources: Sources, rows: list[Row], *, adapter: Path, on: str
) -> Steps[list[Prediction]]:
    ask = partial(_asked, place, sources, rows, adapter)
    return (yield from asked(sources, ask, device=on)) if rows else []


def _asked(  # noqa: PLR0917 - the last is what a wish hands over
    place: Project, sources: Sources, rows: list[Row], adapter: Path, base: LoadedBase
) -> list[Prediction]:
    return sides.answers_to_training_rows(place, sources, rows, base=base, adapter=adapter)


def _one(label: str, value: float, *, before: list[Prediction], now: list[Prediction]) -> Threshold:
    score = f"p:{label}"
    if before and score not in before[0].scores:
        return Threshold(label=label, old=value, note="no training row has this label")
    return recalibrated(
        label,
        value,
        old=[row.scores[score] for row in before],
        new=[row.scores[score] for row in now],
    )
