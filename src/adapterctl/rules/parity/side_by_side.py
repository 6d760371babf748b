"""Old adapter, bare successor and candidate on one evaluation set, row beside row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from adapterctl.errors import Problem
from adapterctl.records.noun import Noun
from adapterctl.records.parity import Prediction
from adapterctl.records.reading import merge

MATCH_HINT = "evaluate every side on the same file of the evaluation set"


class SideBySide(Noun, frozen=True, kw_only=True):
    """What each side answered to the rows of one evaluation set.

    Attributes:
        set: name of the evaluation set.
        metrics: names of the metrics read on it, in the recipe's order.
        old: the old adapter on the old base.
        candidate: the rebuilt adapter on the successor.
        bare: the successor without adapter; ``None`` where there is none.
    """

    set: str
    metrics: list[str]
    old: list[Prediction]
    candidate: list[Prediction]
    bare: list[Prediction] | None = None


def paired(side: SideBySide) -> SideBySide:
    """Returns the same sides with all rows in the old side's order.

    Raises:
        InvalidInput: naming every side that has no rows, repeats an id, has other ids than the
            old side, or has another reference for one of them.
    """
    merge(_problems(side))
    order = [row.id for row in side.old]
    return msgspec.structs.replace(
        side,
        candidate=_in_order(side.candidate, order),
        bare=None if side.bare is None else _in_order(side.bare, order),
    )


def by_slice(side: SideBySide) -> dict[str, SideBySide]:
    """Returns a paired set cut by the rows' slice, sorted by name; rows without one are left out.

    The slice of a row is what the old side says.
    """
    rows: dict[str, list[int]] = {}
    for number, row in enumerate(side.old):
        if row.slice is not None:
            rows.setdefault(row.slice, []).append(number)
    return {name: _only(side, rows[name]) for name in sorted(rows)}


def _only(side: SideBySide, numbers: Sequence[int]) -> SideBySide:
    return msgspec.structs.replace(
        side,
        old=[side.old[n] for n in numbers],
        candidate=[side.candidate[n] for n in numbers],
        bare=None if side.bare is None else [side.bare[n] for n in numbers],
    )


def _in_order(rows: Sequence[Prediction], order: Sequence[str]) -> list[Prediction]:
    by_id = {row.id: row for row in rows}
    return [by_id[each] for each in order]


def _problems(side: SideBySide) -> list[Problem]:
    sides = [("old side", side.old), ("candidate", side.candidate)]
    if side.bare is not None:
        sides.append(("bare successor", side.bare))
    found = []
    for name, rows in sides:
        for what in (_repeats(rows), _disagrees(rows, side.old)):
            if what:
                place = f"evaluation set {side.set!r}, {name}"
                found.append(Problem(place=place, what=what, hint=MATCH_HINT))
                break
    return found


def _repeats(rows: Sequence[Prediction]) -> str:
    if not rows:
        return "no rows"
    most, times = Counter(row.id for row in rows).most_common(1)[0]
    return f"the id {most!r} stands {times} times" if times > 1 else ""


def _disagrees(rows: Sequence[Prediction], old: Sequence[Prediction]) -> str:
    wanted = {row.id: row.reference for row in old}
    given = {row.id: row.reference for row in rows}
    absent = [each for each in wanted if each not in given]
    if absent:
        return f"lacks {len(absent)} of the old side's {len(wanted)} rows, first {absent[0]!r}"
    extra = [each for each in given if each not in wanted]
    if extra:
        return f"has {len(extra)} rows that the old side has not, first {extra[0]!r}"
    changed = [each for each in wanted if wanted[each] != given[each]]
    if changed:
        return f"has another reference in {len(changed)} rows, first {changed[0]!r}"
    return ""
