"""What gold and shadow set say of each other: drift, regression, or a stale gold set.

The gold set was chosen and labelled once, the shadow set is of what the adapter meets today.
Both are gated; beside that, how far apart they are is a number of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot

from adapterctl.records.parity import Disagreement, MetricParity, Reading
from adapterctl.rules.parity.metrics import named

SHADOW = "shadow"
"""Name of the evaluation set that is drawn from what the adapter meets today."""


def disagreements(lines: Sequence[MetricParity]) -> Iterator[Disagreement]:
    """Yields the shadow set beside every other set, for each metric that both were judged by.

    The interval of the difference of two independent differences is found from theirs by MOVER:
    G. Zou and A. Donner, "Construction of confidence limits about effect measures: A general
    approach", Statistics in Medicine 27 (2008) 1693-1702. Each end is at the level of theirs.

    Args:
        lines: the metrics of whole sets.
    """
    shadow = {line.name: line for line in lines if line.set == SHADOW}
    for gold in lines:
        if gold.set != SHADOW and gold.name in shadow:
            yield from _between(gold, shadow[gold.name])


def _between(gold: MetricParity, shadow: MetricParity) -> Iterator[Disagreement]:
    if gold.difference is None or shadow.difference is None:
        return
    if gold.interval is None or shadow.interval is None:
        return
    apart = shadow.difference - gold.difference
    low = apart - hypot(shadow.difference - shadow.interval[0], gold.interval[1] - gold.difference)
    high = apart + hypot(shadow.interval[1] - shadow.difference, gold.difference - gold.interval[0])
    yield Disagreement(
        name=gold.name,
        gold=gold.set,
        shadow=shadow.set,
        gold_difference=gold.difference,
        shadow_difference=shadow.difference,
        difference=apart,
        interval=(low, high),
        reading=_reading(gold, shadow, interval=(low, high)),
    )


def _reading(gold: MetricParity, shadow: MetricParity, *, interval: tuple[float, float]) -> Reading:
    """A set falls when its whole interval lies below no change, whatever the margin allows."""
    fallen = _fell(gold.name, gold.interval), _fell(gold.name, shadow.interval)
    if fallen == (False, False):
        return "no fall"
    if fallen == (True, True):
        return "regression"
    # That one fell and the other was not seen to is no proof that they differ.
    if interval[0] <= 0 <= interval[1]:
        return "undecided"
    return "stale gold set" if fallen[0] else "drift"


def _fell(metric: str, interval: tuple[float, float] | None) -> bool:
    if interval is None:
        return False
    return interval[0] > 0 if named(metric).lower_is_better else interval[1] < 0
