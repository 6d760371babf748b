"""Rows for a person to read: those that flipped, or, where nothing counts, those that changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from adapterctl.records.canonical import compact
from adapterctl.records.noun import Noun
from adapterctl.records.parity import Prediction
from adapterctl.rules.parity.flips import flips
from adapterctl.rules.parity.side_by_side import SideBySide, paired

How = Literal["flipped", "changed"]


class RowBeside(Noun, frozen=True, kw_only=True):
    """What both sides answered to one row.

    Attributes:
        how: ``flipped``: right before, wrong now; ``changed``: another answer, on a set where no
            metric says which rows are right.
        asked: what the adapter was shown, where it is at hand.
        old_sha256: of the recorded line of a row that may not be shown; its words are left out.
    """

    set: str
    id: str
    slice: str | None
    how: How
    asked: str | None = None
    reference: str | None = None
    old: str | None = None
    candidate: str | None = None
    old_sha256: str | None = None
    candidate_sha256: str | None = None


class RowsBeside(Noun, frozen=True, kw_only=True):
    """The first rows, and how many there are in all."""

    total: int
    rows: list[RowBeside]


def rows_beside(
    sides: Iterable[SideBySide],
    *,
    drop: float,
    most: int,
    sensitive: frozenset[str] = frozenset(),
    asked: Mapping[str, Mapping[str, str]] | None = None,
) -> RowsBeside:
    """Returns the rows to read, set by set in their order.

    Args:
        sides: one per evaluation set.
        drop: see `flips`.
        most: how many are shown.
        sensitive: sets of which ids and digests are shown alone.
        asked: evaluation set to row id to what was asked.
    """
    texts = asked or {}
    found = [
        _sealed(side.set, read)
        if side.set in sensitive
        else _shown(side.set, read, asked=texts.get(side.set, {}).get(read.old.id))
        for side in map(paired, sides)
        for read in _to_read(side, drop=drop)
    ]
    return RowsBeside(total=len(found), rows=found[:most])


@dataclass(frozen=True, kw_only=True)
class _Read:
    how: How
    old: Prediction
    new: Prediction


def _to_read(side: SideBySide, *, drop: float) -> Iterator[_Read]:
    flipped = flips(side, drop=drop)
    lost = None if flipped is None else {flip.id for flip in flipped}
    for old, new in zip(side.old, side.candidate, strict=True):
        if lost is None and old.output != new.output:
            yield _Read(how="changed", old=old, new=new)
        elif lost is not None and old.id in lost:
            yield _Read(how="flipped", old=old, new=new)


def _shown(name: str, read: _Read, *, asked: str | None) -> RowBeside:
    return RowBeside(
        set=name,
        id=read.old.id,
        slice=read.old.slice,
        how=read.how,
        asked=asked,
        reference=read.old.reference,
        old=read.old.output,
        candidate=read.new.output,
    )


def _sealed(name: str, read: _Read) -> RowBeside:
    """The slice goes, too: it is a value of the row. A digest finds the line in the record."""
    return RowBeside(
        set=name,
        id=read.old.id,
        slice=None,
        how=read.how,
        old_sha256=hashlib.sha256(compact(read.old)).hexdigest(),
        candidate_sha256=hashlib.sha256(compact(read.new)).hexdigest(),
    )
