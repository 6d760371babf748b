"""The fourth rung: the old adapter on the old base teaches the new one.

Labels have the same meaning on both bases: their probabilities are learned beside the label. So
have tokens where both bases cut the training rows into the same ones: what the teacher expects at
each is learned beside it. Elsewhere text goes from one tokenizer to another as text: the teacher's
own answers are learned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from adapterctl.errors import AdapterctlError
from adapterctl.jobs import clean_room, sides
from adapterctl.jobs.encoding import encoded
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.inputs.sources import Sources, gather
from adapterctl.jobs.inputs.starting import learn_from, learn_what_is_expected, learns_tokens
from adapterctl.jobs.ladder.climb import Attempt, Climb, Out
from adapterctl.jobs.wishes import Steps, asked
from adapterctl.records.parity import Prediction
from adapterctl.rules.planning.ladder import TEACHER
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.teaching import TRUST, can_be_asked, shares_tokens

if TYPE_CHECKING:
    from adapterctl.training.learning.taught import Taught
    from adapterctl.training.loading import LoadedBase
    from adapterctl.training.rows.text import Example


def attempt(climb: Climb) -> Steps[Attempt | Out]:
    """Asks the teacher about every training row, once."""
    job, sources = climb.job, climb.sources
    if not job.done(TEACHER, "answered"):
        try:
            checked(job.project, job.record.base)
        except AdapterctlError as error:
            return Out(why=f"the old base cannot run: {error.problems[0].what}")
        mute = yield from _ask(climb)
        if mute is not None:
            return mute
        job.note(TEACHER, "answered", rows=len(sources.rows[TRAIN]))
    return Attempt(rung=TEACHER, sources=sources, details=_details(climb))


def _details(climb: Climb) -> dict[str, object]:
    if climb.sources.recipe.task == "SEQ_CLS":
        return {"trust": TRUST, "learned": "probabilities"}
    if learns_tokens(climb.job.work(TEACHER)):
        return {"trust": TRUST, "learned": "logits"}
    return {"learned": "text"}


def _ask(climb: Climb) -> Steps[Out | None]:
    job, place, record = climb.job, climb.place, climb.job.record
    clean_room.put_recorded_base(job.project, record, place.root)
    old = gather(place, record.recipe, code=record.code.files)

    def say(why: str) -> None:
        job.project.display.say(f"{TEACHER}: its own words are learned, for {why}")

    shared = _shared(climb.sources, old, say=say)
    if shared is not None:
        yield from _ask_tokens(climb, old, shared)
    elif old.recipe.task == "SEQ_CLS" or all(map(can_be_asked, old.rows[TRAIN])):
        yield from _ask_rows(climb, old)
    else:
        return Out(
            why="the two bases cut text into other tokens, and the training rows do not part a "
            "prompt from its answer"
        )
    return None


def _shared(new: Sources, old: Sources, *, say: Callable[[str], None]) -> list[Example] | None:
    """Returns the training rows in tokens, where these are the same on both bases.

    An equal vocabulary is not enough: texts may be cut or framed in another way.
    """
    from adapterctl.training.inspect import describe

    if old.recipe.task != "CAUSAL_LM":
        return None
    shapes = [
        describe(one.base_dir, task=one.recipe.task, trust_remote_code=one.recipe.trust_remote_code)
        for one in (old, new)
    ]
    if not shares_tokens(*shapes):
        say("the two bases differ in their vocabularies")
        return None
    then, now = (_in_tokens(one) for one in (old, new))
    same = [(one.input_ids, one.loss_mask) for one in then] == [
        (one.input_ids, one.loss_mask) for one in now
    ]
    if not same:
        say("the same vocabulary cuts or frames the training rows in another way on the new base")
        return None
    return now


def _in_tokens(sources: Sources) -> list[Example]:
    rows = {TRAIN: sources.rows[TRAIN]}
    return encoded(replace(sources, rows=rows), log=lambda _: None)[TRAIN]


def _ask_tokens(climb: Climb, old: Sources, examples: list[Example]) -> Steps[None]:
    job, place = climb.job, climb.place
    adapter = place.root / ".version" / "adapter"

    def ask(base: LoadedBase) -> list[Taught]:
        return sides.expected_tokens(place, old.recipe, examples, base=base, adapter=adapter)

    answers = yield from asked(old, ask, device=job.device)
    learn_what_is_expected(job.work(TEACHER), answers)


def _ask_rows(climb: Climb, old: Sources) -> Steps[None]:
    job, place = climb.job, climb.place
    adapter = place.root / ".version" / "adapter"

    def ask(base: LoadedBase) -> list[Prediction]:
        rows = old.rows[TRAIN]
        return sides.answers_to_training_rows(place, old, rows, base=base, adapter=adapter)

    answers = yield from asked(old, ask, device=job.device)
    learn_from(job.work(TEACHER), answers)
