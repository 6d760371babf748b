"""The fourth rung: the old adapter on the old base teaches the new one.

Labels have the same meaning on both bases: their probabilities are learned beside the label. Text
goes from one tokenizer to another as text: the teacher's own answers are learned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapterctl.errors import AdapterctlError
from adapterctl.jobs import clean_room, sides
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.inputs.sources import gather
from adapterctl.jobs.inputs.starting import learn_from
from adapterctl.jobs.ladder.climb import Attempt, Climb, Out
from adapterctl.jobs.wishes import Steps, asked
from adapterctl.records.parity import Prediction
from adapterctl.rules.planning.ladder import TEACHER
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.teaching import TRUST, can_be_asked

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase


def attempt(climb: Climb) -> Steps[Attempt | Out]:
    """Asks the teacher about every training row, once."""
    job, sources = climb.job, climb.sources
    labelled = sources.recipe.task == "SEQ_CLS"
    if not labelled and not all(map(can_be_asked, sources.rows[TRAIN])):
        return Out(why="the training rows do not part a prompt from its answer")
    if not job.done(TEACHER, "answered"):
        try:
            checked(job.project, job.record.base)
        except AdapterctlError as error:
            return Out(why=f"the old base cannot run: {error.problems[0].what}")
        yield from _ask(climb)
        job.note(TEACHER, "answered", rows=len(sources.rows[TRAIN]))
    details = {"trust": TRUST, "learned": "probabilities"} if labelled else {"learned": "text"}
    return Attempt(rung=TEACHER, sources=sources, details=details)


def _ask(climb: Climb) -> Steps[None]:
    job, place, record = climb.job, climb.place, climb.job.record
    clean_room.put_recorded_base(job.project, record, place.root)
    old = gather(place, record.recipe, code=record.code.files)
    adapter = place.root / ".version" / "adapter"

    def ask(base: LoadedBase) -> list[Prediction]:
        rows = old.rows[TRAIN]
        return sides.answers_to_training_rows(place, old, rows, base=base, adapter=adapter)

    answers = yield from asked(old, ask, device=job.device)
    learn_from(job.work(TEACHER), answers)
