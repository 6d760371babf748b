"""The ladder of a rebuild: its rungs, what each would take, and how the error is shared out.

Every rung that may reach the gate is another chance to pass by luck. Each is therefore judged at
its equal share of the level, so that a rebuild as a whole passes wrongly no more often than one
candidate would (Bonferroni), whichever rung passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapterctl.records.base import BaseShape
from adapterctl.records.noun import Noun

CARRIED = "carried recipe"
WARM_START = "warm start"
SWEEP = "learning-rate sweep"
TEACHER = "old adapter as teacher"
SALVAGE = "salvage"

RUNGS = {
    "carried": CARRIED,
    "warm-start": WARM_START,
    "sweep": SWEEP,
    "teacher": TEACHER,
    "salvage": SALVAGE,
}
"""What ``--max-rung`` calls a rung, to its name in plans and records; from the lowest."""

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""What a sweep multiplies the learning rate by."""

HELD_OUT = 0.2
"""Share of the training rows that trials do not learn from, and are judged on."""

_TEACHING = 1.5
"""Work of teacher and pupil in trainings: asking the teacher goes once over the rows, forward."""

_WORK = {
    CARRIED: 1.0,
    WARM_START: 1.0,
    SWEEP: 1 + len(FACTORS) * (1 - HELD_OUT),
    TEACHER: _TEACHING,
    SALVAGE: 1.0,
}


_GONE = "the training data are gone"


class RungOut(Noun, frozen=True, kw_only=True):
    """A rung of the ladder that cannot be climbed."""

    rung: str
    why: str


class RungPlan(Noun, frozen=True, kw_only=True):
    """A rung that a rebuild would climb; ``seconds`` of training, ``None`` when unknown."""

    rung: str
    seconds: float | None


class Ladder(Noun, frozen=True, kw_only=True):
    """The rungs that may reach the gate, from the lowest, and those that cannot be climbed."""

    rungs: list[RungPlan]
    cannot: list[RungOut]

    def up_to(self, highest: str | None) -> Ladder:
        """Returns the ladder without the rungs above ``highest``; ``None`` leaves it whole."""
        names = list(RUNGS.values())
        last = len(names) if highest is None else names.index(highest) + 1
        kept = [one for one in self.rungs if one.rung in names[:last]]
        return Ladder(rungs=kept, cannot=self.cannot)

    @property
    def seconds(self) -> float | None:
        """Training on every rung: what it takes when none but the last one passes."""
        known = [one.seconds for one in self.rungs if one.seconds is not None]
        return sum(known) if len(known) == len(self.rungs) else None


def ladder(
    seconds: float | None,
    *,
    old: BaseShape | None,
    new: BaseShape,
    by_command: Sequence[RungOut] = (),
    salvaged: bool = False,
    stays: bool = False,
) -> Ladder:
    """Returns the ladder for one adapter.

    Args:
        seconds: what one training takes; ``None`` when unknown.
        old: the old base; ``None`` when it is not here.
        new: the successor.
        by_command: what its trainer command cannot climb.
        salvaged: the training data are gone, and salvaged answers stand for them.
        stays: the base is the old one: what is tried is the old recipe in another environment.
    """
    if salvaged:
        gone = [RungOut(rung=rung, why=_GONE) for rung in RUNGS.values() if rung != SALVAGE]
        return Ladder(rungs=[RungPlan(rung=SALVAGE, seconds=seconds)], cannot=gone)
    ruled_out = _of_another_base() if stays else _out(old, new)
    out = {one.rung: one for one in [*by_command, *ruled_out]}
    return Ladder(
        rungs=[
            RungPlan(
                rung=rung, seconds=None if seconds is None else round(seconds * _WORK[rung], 1)
            )
            for rung in RUNGS.values()
            if rung not in out and rung != SALVAGE
        ],
        cannot=[out[rung] for rung in RUNGS.values() if rung in out],
    )


def _of_another_base() -> Iterator[RungOut]:
    for rung in (WARM_START, SWEEP, TEACHER):
        yield RungOut(rung=rung, why="the base stays: only the environment is tried")


def _out(old: BaseShape | None, new: BaseShape) -> Iterator[RungOut]:
    """Yields what the bases rule out; without the old one, its weights are tried on the new."""
    if old is None:
        yield RungOut(rung=TEACHER, why="the old base is not here to teach")
    elif _shapes(old) != _shapes(new):
        yield RungOut(rung=WARM_START, why="the two bases differ in their shapes")


def _shapes(shape: BaseShape) -> set[tuple[object, ...]]:
    return {(one.name, one.kind, one.features_in, one.features_out) for one in shape.linears}
