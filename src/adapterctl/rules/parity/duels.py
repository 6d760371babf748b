"""Two answers to one row before a judge: what it is shown, how it is read, what it amounts to.

Judges like what stands first, or what stands second (L. Zheng et al., "Judging LLM-as-a-Judge with
MT-Bench and Chatbot Arena", 2023). So each pair is shown in both orders, equally often, in one
run, and a side's score is its mean over both places: whatever a place is worth falls out of the
difference. How much it was worth is told, and so is how often a judge contradicts itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import msgspec

from adapterctl.errors import Problem
from adapterctl.records.noun import Noun
from adapterctl.records.parity import Judging
from adapterctl.records.reading import merge

FIRST, SECOND = "first", "second"

SHOWN = 20

HINT = (
    'a line is {"id": "000017", "output": "what it says of them", '
    '"scores": {"first": 0.8, "second": 0.5}}, one for each line it was handed'
)


class Item(Noun, frozen=True, kw_only=True):
    """A line that the judge is handed; nothing in it tells which side an answer is from.

    Attributes:
        prompt: the conversation that both answers end.
    """

    id: str
    set: str
    prompt: list[dict[str, Any]]
    reference: str
    first: str
    second: str


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """A line that the judge writes; keys beyond these are its own affair."""

    id: str
    output: str
    scores: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Duel:
    """Two answers, left and right, to one row of an evaluation set."""

    set: str
    row: str
    prompt: list[dict[str, Any]]
    reference: str
    left: str
    right: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One time that a duel is put before the judge, as item ``id``."""

    duel: int
    swapped: bool
    id: str


@dataclass(frozen=True, kw_only=True)
class Score:
    """What both sides of a duel got, over all its turns."""

    left: float
    right: float


def turns(duels: int, *, repeats: int, seed: int) -> list[Turn]:
    """Returns every duel in both orders, ``repeats`` times each, mixed by the seed.

    Mixed, so that neither the place in the file nor the id betrays a side.
    """
    all_turns = [
        (number, swapped, repeat)
        for number in range(duels)
        for swapped in (False, True)
        for repeat in range(repeats)
    ]
    mixed = sorted(all_turns, key=lambda turn: hashlib.sha256(f"{seed} {turn}".encode()).digest())
    return [
        Turn(duel=number, swapped=swapped, id=f"{place:06d}")
        for place, (number, swapped, _) in enumerate(mixed)
    ]


def items(duels: Sequence[Duel], order: Sequence[Turn]) -> list[Item]:
    """Returns what the judge is handed."""
    return [_item(duels[turn.duel], turn) for turn in order]


def _item(duel: Duel, turn: Turn) -> Item:
    first, second = (duel.right, duel.left) if turn.swapped else (duel.left, duel.right)
    return Item(
        id=turn.id,
        set=duel.set,
        prompt=duel.prompt,
        reference=duel.reference,
        first=first,
        second=second,
    )


def rulings(written: bytes, handed: Sequence[Item], *, place: str) -> dict[str, Ruling]:
    """Returns what the judge wrote, by id.

    Raises:
        InvalidInput: a line that is no ruling, an id twice or unknown, an item without a line, a
            score that is missing or not a finite number; the first twenty are named.
    """
    found: dict[str, Ruling] = {}
    problems = list(_faults(written, handed, place=place, found=found))
    more = len(problems) - SHOWN
    rest = [Problem(place=place, what=f"{more:,} more problems, not shown")] if more > 0 else []
    merge([*problems[:SHOWN], *rest])
    return found


def _faults(
    written: bytes, handed: Sequence[Item], *, place: str, found: dict[str, Ruling]
) -> Iterator[Problem]:
    wanted = {item.id for item in handed}
    for number, line in enumerate(written.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            ruling = msgspec.json.decode(line, type=Ruling)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            yield Problem(place=f"{place}:{number}", what=f"not a ruling: {error}", hint=HINT)
            continue
        what = _fault(ruling, wanted, found)
        if what:
            yield Problem(place=f"{place}:{number}", what=what, hint=HINT)
        found.setdefault(ruling.id, ruling)
    absent = sorted(wanted - found.keys())
    if absent:
        what = f"no line for {len(absent):,} of {len(wanted):,} items, first {absent[0]!r}"
        yield Problem(place=place, what=what, hint=HINT)


def _fault(ruling: Ruling, wanted: set[str], found: Mapping[str, Ruling]) -> str:
    if ruling.id not in wanted:
        return f"no such item: {ruling.id!r}"
    if ruling.id in found:
        return f"the id {ruling.id!r} stands twice"
    for name in (FIRST, SECOND):
        if name not in ruling.scores:
            return f"no score {name!r}"
        if not isfinite(ruling.scores[name]):
            return f"its score {name!r} is not a finite number"
    return ""


def outcomes(duels: int, order: Sequence[Turn], found: Mapping[str, Ruling]) -> list[Score]:
    """Returns the score of both sides of each duel: the mean over both places and all repeats."""
    sums = [[0.0, 0.0, 0] for _ in range(duels)]
    for turn in order:
        left, right = _left_right(turn, found[turn.id])
        total = sums[turn.duel]
        total[0] += left
        total[1] += right
        total[2] += 1
    return [Score(left=left / count, right=right / count) for left, right, count in sums]


def _left_right(turn: Turn, ruling: Ruling) -> tuple[float, float]:
    first, second = ruling.scores[FIRST], ruling.scores[SECOND]
    return (second, first) if turn.swapped else (first, second)


def judging(
    duels: Sequence[Duel], order: Sequence[Turn], found: Mapping[str, Ruling], *, repeats: int
) -> list[Judging]:
    """Returns, set by set, how the judge judged."""
    names = dict.fromkeys(duel.set for duel in duels)
    return [
        _judging(name, [t for t in order if duels[t.duel].set == name], found, repeats=repeats)
        for name in names
    ]


def _judging(
    name: str, order: Sequence[Turn], found: Mapping[str, Ruling], *, repeats: int
) -> Judging:
    leads = [found[turn.id].scores[FIRST] - found[turn.id].scores[SECOND] for turn in order]
    gaps: dict[int, dict[bool, list[float]]] = {}
    for turn in order:
        left, right = _left_right(turn, found[turn.id])
        gaps.setdefault(turn.duel, {}).setdefault(turn.swapped, []).append(left - right)
    torn = [sum(each[False]) * sum(each[True]) < 0 for each in gaps.values()]
    groups = [group for each in gaps.values() for group in each.values()]
    unsteady = [len({(gap > 0) - (gap < 0) for gap in group}) > 1 for group in groups]
    return Judging(
        set=name,
        pairs=len(gaps),
        rulings=len(order),
        repeats=repeats,
        position_bias=sum(leads) / len(leads),
        order_reversals=sum(torn) / len(torn),
        disagreement=sum(unsteady) / len(unsteady) if repeats > 1 else None,
    )
