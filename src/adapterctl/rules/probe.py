"""Which rows probe a version, and what moved when they are asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapterctl.records.canonical import digest
from adapterctl.records.noun import Noun
from adapterctl.records.probe import ProbeAnswer
from adapterctl.records.recipe import ProbeSettings
from adapterctl.rules.recipes import TRAIN

LEAST = 20
"""So few rows may come from evaluation sets alone."""

ASPECTS = {
    "text": "text_sha256",
    "tokens": "tokens_sha256",
    "mask": "mask_sha256",
    "outputs": "output_sha256",
}
"""What is looked at, each by its digest: what comes first moves what follows."""


class Moved(Noun, frozen=True, kw_only=True):
    """One aspect of a probe, asked again.

    Attributes:
        aspect: ``text``, ``tokens``, ``mask`` or ``outputs``.
        rows: how many rows were compared.
        moved: those that differ now, as ``set id``.
        largest: the largest difference of a score; ``None`` where there are none to compare.
    """

    aspect: str
    rows: int
    moved: list[str]
    largest: float | None = None


def probe_rows(
    sets: Mapping[str, Sequence[Any]], settings: ProbeSettings | None = None
) -> list[tuple[str, int]]:
    """Returns set and row number of the probe's rows, in the order of their digests.

    As many as ``settings`` say are taken from the evaluation sets; where these hold fewer than 20,
    training rows follow.
    The same row twice is taken once.
    """
    evaluation = {name: rows for name, rows in sets.items() if name != TRAIN}
    chosen = _by_digest(evaluation)[: (settings or ProbeSettings()).rows]
    if len(chosen) < LEAST:
        chosen += _by_digest({TRAIN: sets.get(TRAIN, [])})[: LEAST - len(chosen)]
    return chosen


def _by_digest(sets: Mapping[str, Sequence[Any]]) -> list[tuple[str, int]]:
    places: dict[str, tuple[str, int]] = {}
    for key, place in _keyed(sets):
        places.setdefault(key, place)
    return [places[key] for key in sorted(places)]


def _keyed(sets: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, tuple[str, int]]]:
    for name in sorted(sets):
        for number, row in enumerate(sets[name]):
            yield digest(row), (name, number)


def moved(recorded: Sequence[ProbeAnswer], now: Sequence[ProbeAnswer]) -> list[Moved]:
    """Returns what of a probe is not as it was recorded, aspect by aspect.

    A row that is not there any more moved in every aspect.
    """
    again = {(answer.set, answer.row): answer for answer in now}
    pairs = [(old, again.get((old.set, old.row))) for old in recorded]
    return [
        Moved(
            aspect=aspect,
            rows=len(pairs),
            moved=[
                f"{old.set} {old.id}"
                for old, new in pairs
                if new is None or getattr(old, field) != getattr(new, field)
            ],
            largest=_largest(pairs) if aspect == "outputs" else None,
        )
        for aspect, field in ASPECTS.items()
    ]


def _largest(pairs: Sequence[tuple[ProbeAnswer, ProbeAnswer | None]]) -> float | None:
    apart = [
        abs(old.scores[name] - new.scores[name])
        for old, new in pairs
        if new is not None
        for name in old.scores.keys() & new.scores.keys()
    ]
    return max(apart, default=None)
