"""Decision thresholds: from which probability a service acts on a label, set anew on another base.

A probability means something else on another base. A threshold is carried over by what it does:
the new one decides as many rows as the old one did, rows of the training set that are held out by
their text's digest. No evaluation set is looked at. Both adapters have learned these rows, so both
are surer of them than of new ones; that is alike on both sides, and the reason why shares of rows
are matched and no precision is promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from adapterctl.records.parity import Threshold
from adapterctl.records.recipe import Recipe
from adapterctl.rules.contradiction import Contradiction

FEWEST_ROWS = 30

FEW = f"fewer than {FEWEST_ROWS} training rows are held out to set it by"


def threshold_mistakes(recipe: Recipe) -> Iterator[Contradiction]:
    """Yields what is wrong with the thresholds, as far as the recipe alone can tell."""
    if recipe.thresholds and recipe.task != "SEQ_CLS":
        what = f"{recipe.task} gives no probability of a label"
        yield Contradiction(("thresholds",), what, "remove them")
    for label, value in recipe.thresholds.items():
        if not 0 < value <= 1:
            what, hint = f"not a probability above 0: {value:g}", "write a number up to 1"
            yield Contradiction(("thresholds", label), what, hint)


def note_on_thresholds(recipe: Recipe, *, old_base: str, new_base: str) -> str:
    """Returns what a plan says of the thresholds; empty without any."""
    if not recipe.thresholds:
        return ""
    names = ", ".join(f"{label} {value:g}" for label, value in sorted(recipe.thresholds.items()))
    return (
        f"thresholds that were set on {old_base} are stale on {new_base}: {names}; a rebuild sets "
        "them anew on held-out training rows"
    )


def stale(thresholds: Mapping[str, float], why: str) -> list[Threshold]:
    """Returns thresholds that could not be set anew."""
    return [Threshold(label=label, old=value, note=why) for label, value in thresholds.items()]


def recalibrated(
    label: str, threshold: float, *, old: Sequence[float], new: Sequence[float]
) -> Threshold:
    """Returns the threshold that decides as many rows for the new side as it did for the old.

    Every value between two neighbouring probabilities does the same. The old threshold stays
    where it does; else the middle is taken.

    Args:
        label: whose probabilities these are.
        threshold: the old one: rows at or above it are decided.
        old: the label's probability in each row, by the old adapter.
        new: the same by the candidate.
    """
    if len(old) < FEWEST_ROWS:
        return Threshold(label=label, old=threshold, rows=len(old), note=FEW)
    count = sum(value >= threshold for value in old)
    ranked = [1.0, *sorted(new, reverse=True), 0.0]
    above, below = ranked[count], ranked[count + 1]
    value = threshold if below < threshold <= above else _middle(above, below)
    return Threshold(
        label=label,
        old=threshold,
        new=value,
        rows=len(old),
        decided=count,
        decided_new=sum(each >= value for each in new),
        decided_carried=sum(each >= threshold for each in new),
    )


def _middle(above: float, below: float) -> float:
    """Returns the middle, to four digits where these still separate the two."""
    middle = (above + below) / 2
    short = round(middle, 4)
    return short if below < short <= above else middle


def with_thresholds(recipe: Recipe, found: Sequence[Threshold]) -> Recipe:
    """Returns the recipe with what was set anew; what is stale stays as it was."""
    new = {each.label: each.new for each in found if each.new is not None}
    return msgspec.structs.replace(recipe, thresholds={**recipe.thresholds, **new})
