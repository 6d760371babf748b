"""A bake-off: how long a trial trains, and which candidates can be told apart after it.

Trials are judged on training rows that were held out from them, never on an evaluation set. All
are compared with the one that leads, and the level is shared out over these comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from adapterctl.records.noun import Noun
from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Task
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.rules.parity.evidence import evidence
from adapterctl.rules.parity.metrics import Metric, named, score

PACE_STEPS = 8
"""Steps that the pace of a base is measured on, before its trial."""

_METRICS: dict[Task, str] = {"SEQ_CLS": "accuracy", "CAUSAL_LM": "perplexity_per_byte"}
"""What a trial is ranked by; per byte, for candidates may count tokens differently."""

Reading = Literal["leads", "worse", "not told apart"]


class Pace(Noun, frozen=True, kw_only=True):
    """``pace.json``: how a budget became a number of steps; kept, so that a trial can be repeated.

    Attributes:
        inputs: digest of what is trained; another one is measured anew.
        trial_seconds: what each candidate was given.
        per_step: seconds, measured over `PACE_STEPS`.
        steps: what the trial takes.
    """

    inputs: str
    trial_seconds: float
    per_step: float
    steps: int


class Trial(Noun, frozen=True, kw_only=True):
    """A candidate after its trial.

    Attributes:
        base: the candidate successor.
        seconds: of training.
        answers: to the rows that were held out, in their order.
    """

    base: str
    pace: Pace
    seconds: float
    answers: list[Prediction]


class Ranked(Noun, frozen=True, kw_only=True):
    """A candidate's place.

    Attributes:
        value: its metric on the held-out rows.
        difference: to the one that leads, in the metric's own units; ``None`` of that one.
        interval: of the difference; ``None`` where there are too few rows.
    """

    base: str
    rank: int
    pace: Pace
    seconds: float
    value: float
    difference: float | None
    interval: tuple[float, float] | None
    reading: Reading


class Unable(Noun, frozen=True, kw_only=True):
    """A candidate without a trial, and why."""

    base: str
    blockers: list[Blocker]


class BakeOff(Noun, frozen=True, kw_only=True):
    """The answer: candidates that were tried, best first, and those that could not be.

    Attributes:
        whole_steps: what the whole recipe takes, if its record says.
        held_rows: training rows that were held out.
        level: error of each end of an interval, shared out.
    """

    adapter: str
    version: int
    trial: str
    metric: str
    held_rows: int
    whole_steps: int | None
    level: float
    ranked: list[Ranked]
    unable: list[Unable]


def metric_of(task: Task) -> str | None:
    """Returns what trials of a task are ranked by; ``None`` where nothing can."""
    return _METRICS.get(task)


def steps_within(seconds: float, per_step: float, *, whole: int | None) -> int:
    """Returns the steps that fit into a trial: at least one, at most the whole recipe's."""
    fitting = max(1, int(seconds / per_step)) if per_step > 0 else whole or PACE_STEPS
    return min(fitting, whole) if whole else fitting


def ranking(trials: Sequence[Trial], *, metric: str, level: float, seed: int) -> list[Ranked]:
    """Returns the candidates, best first; of equal ones in order of name.

    Args:
        trials: answers to the same rows.
        metric: see `metric_of`.
        level: error of each end of an interval.
        seed: of the bootstrap.
    """
    chosen = named(metric)
    values = {each.base: score(metric, each.answers) for each in trials}
    ordered = sorted(trials, key=lambda each: (-chosen.gain(values[each.base]), each.base))
    return [
        _ranked(each, ordered[0], values, metric=chosen, rank=rank, level=level, seed=seed)
        for rank, each in enumerate(ordered, start=1)
    ]


def _ranked(
    each: Trial,
    leader: Trial,
    values: Mapping[str, float],
    *,
    metric: Metric,
    rank: int,
    level: float,
    seed: int,
) -> Ranked:
    gain = None
    if each is not leader:
        found = evidence(metric, leader.answers, each.answers, seed=seed)
        gain = found.interval(level) if found else None
    reading: Reading = "leads" if each is leader else "not told apart"
    return Ranked(
        base=each.base,
        rank=rank,
        pace=each.pace,
        seconds=each.seconds,
        value=values[each.base],
        difference=None if each is leader else values[each.base] - values[leader.base],
        interval=_in_units(metric, gain),
        reading="worse" if gain is not None and gain[1] < 0 else reading,
    )


def _in_units(metric: Metric, gain: tuple[float, float] | None) -> tuple[float, float] | None:
    """Returns the interval of the difference, of a gain that counts more as better."""
    if gain is None or not metric.lower_is_better:
        return gain
    return -gain[1], -gain[0]
