"""The parity report: old adapter on old base against candidate, paired, per slice."""

from __future__ import annotations

from typing import Any, Literal

from adapterctl.records.noun import Noun, Sparse

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]

Reading = Literal["drift", "regression", "stale gold set", "no fall", "undecided"]


class Prediction(Sparse, frozen=True, kw_only=True):
    """What one side answered to one row.

    Attributes:
        id: the row's own ``id`` field as text, or else its number in the file, from 0.
        output: the predicted label, or the generated text.
        reference: what the evaluation set says is right.
        scores: numbers by name: a probability per label for SEQ_CLS (``p:<label>``);
            ``nll`` (sum over completion tokens, nats), ``tokens`` and ``bytes`` for CAUSAL_LM.
        slice: value of the set's ``slice_by`` field, as text.
    """

    id: str
    output: str
    reference: str
    scores: dict[str, float] = {}
    slice: str | None = None


class MetricParity(Noun, frozen=True, kw_only=True):
    """One metric on one set (or slice); ``difference`` is candidate minus old.

    Attributes:
        interval: ``(low, high)`` of the difference, at the report's level.
        rows_needed: rows that would decide, when INCONCLUSIVE.
    """

    name: str
    set: str
    slice: str | None
    rows: int
    old: float | None
    bare: float | None
    candidate: float | None
    difference: float | None
    interval: tuple[float, float] | None
    margin: float | None
    verdict: Verdict
    rows_needed: int | None = None
    note: str | None = None


NoiseReading = Literal["within", "above", "undecided"]


class NoiseFloor(Noun, frozen=True, kw_only=True):
    """Negative flips between trainings of one recipe on one base, which differ in their seed.

    Attributes:
        seeds: how many were trained beside the candidate.
        pairs: ordered pairs of trainings.
        rate: mean share of flips over the pairs; ``highest`` the largest.
        reading: ``within``: some pair flips as many rows as the move of base did; ``above``: the
            true share of its flips is above the mean of the pairs; else ``undecided``.
    """

    seeds: int
    pairs: int
    rate: float
    highest: float
    reading: NoiseReading


class NegativeFlips(Noun, frozen=True, kw_only=True):
    """Right before, wrong now: share of rows, its upper bound, and the limit set for it.

    Attributes:
        rows_needed: rows that would decide, when INCONCLUSIVE.
        floor: what another seed alone flips, where that was asked for.
    """

    set: str
    rows: int
    flips: int
    rate: float
    upper: float
    limit: float
    verdict: Verdict
    rows_needed: int | None = None
    floor: NoiseFloor | None = None


class Disagreement(Noun, frozen=True, kw_only=True):
    """How far apart gold and shadow set are on one metric, and how that is to be read.

    Attributes:
        gold: name of the set that the shadow set is held against.
        difference: the shadow set's difference minus the gold set's.
        interval: ``(low, high)`` of it, at the report's level.
        reading: ``drift``: gold is steady and shadow falls; ``regression``: both fall; ``stale
            gold set``: gold falls alone; ``no fall``: neither does; ``undecided``: one falls,
            and the two are not shown to differ.
    """

    name: str
    gold: str
    shadow: str
    gold_difference: float
    shadow_difference: float
    difference: float
    interval: tuple[float, float]
    reading: Reading


class Judging(Noun, frozen=True, kw_only=True):
    """How the recipe's evaluator judged the answers to one set.

    Attributes:
        pairs: pairs of answers that it was shown, each in both orders.
        rulings: how often it ruled in all.
        position_bias: what standing first is worth to it, in units of its score; a side stands
            first as often as second, so that it falls out of every difference.
        order_reversals: share of pairs of which it prefers one answer in one order and the other
            answer in the other.
        disagreement: share of pairs in one order of which its repeats do not prefer the same;
            ``None`` without repeats.
    """

    set: str
    pairs: int
    rulings: int
    repeats: int
    position_bias: float
    order_reversals: float
    disagreement: float | None = None


class Threshold(Noun, frozen=True, kw_only=True):
    """A decision threshold of the recipe on the successor.

    Attributes:
        old: as it was; on another base it is stale.
        new: as it was set anew; ``None`` where it could not be, and ``note`` says why.
        rows: held-out training rows that it was set by.
        decided: how many of them the old adapter decided by the old threshold.
        decided_new: how many the candidate decides by the new one.
        decided_carried: how many the candidate would decide by the old one.
    """

    label: str
    old: float
    new: float | None = None
    rows: int = 0
    decided: int | None = None
    decided_new: int | None = None
    decided_carried: int | None = None
    note: str | None = None


class ParityReport(Noun, frozen=True, kw_only=True):
    """The whole comparison; ``verdict`` is the worst of what is gated.

    Attributes:
        level: one-sided level of each interval (0.05 shared out over the rungs at the gate).
        old_side: ``rerun`` when the old adapter was run again, ``recorded`` when its recorded
            predictions served.
        disagreements: gold beside shadow set; empty without a shadow set.
        judging: how the evaluator judged, where the recipe has one of its own.
        thresholds: the recipe's decision thresholds, old and new.
        bare_ties: the bare successor is not worse than the old adapter: it may be retired.
    """

    verdict: Verdict
    level: float
    old_side: Literal["rerun", "recorded"]
    metrics: list[MetricParity]
    negative_flips: list[NegativeFlips]
    bare_ties: bool
    notes: list[str] = []
    settings: dict[str, Any] = {}
    disagreements: list[Disagreement] = []
    judging: list[Judging] = []
    thresholds: list[Threshold] = []
