"""Grades: whether a version could be rebuilt, and what is missing for that (DESIGN.md, section 3).

The grade is read from the record and today's recipe alone. Whether the pinned bytes are still
there is asked of the world by ``verify``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Owners, Recipe
from adapterctl.records.version import VersionRecord

Letter = Literal["A", "B", "C", "D"]

WEIGHT_FILES = ("adapter_model.safetensors", "adapter_model.bin")


class Gap(Noun, frozen=True, kw_only=True):
    """One thing that is missing, under the code of the finding that names it."""

    code: str
    what: str


class Grade(Noun, frozen=True, kw_only=True):
    """A letter and the gaps that explain it; an A has none."""

    letter: Letter
    gaps: list[Gap]


def grade(record: VersionRecord, recipe: Recipe, *, data_removed: bool = False) -> Grade:
    """Returns the grade of a version.

    Args:
        record: what was pinned when it was built.
        recipe: the recipe as it stands today, for what is judged today (owners).
        data_removed: its data were deleted since, as an event says.
    """
    return graded(lacks(record), recipe.owners, data_removed=data_removed)


def graded(
    lacking: Iterable[tuple[str, Gap]], owners: Owners, *, data_removed: bool = False
) -> Grade:
    """Returns the grade that follows from what a record lacks, and from what is true today."""
    gone = Gap(code="DATA001", what="its training data were removed")
    today = [*([("C", gone)] if data_removed else []), *lacking, *_unowned(owners)]
    gaps = {letter: [gap for each, gap in today if each == letter] for letter in _WORST_FIRST}
    worst: Letter = next((letter for letter, found in gaps.items() if found), "A")
    return Grade(letter=worst, gaps=[gap for found in gaps.values() for gap in found])


def lacks(record: VersionRecord) -> list[tuple[Letter, Gap]]:
    """Returns what a version lacks by its record alone, with the best grade that leaves it."""
    checks = (*_to_load(record), *_to_rebuild(record), *_to_rebuild_surely(record))
    return [(one.letter, Gap(code=one.code, what=one.what)) for one in checks if one.missing]


_WORST_FIRST: tuple[Letter, ...] = ("D", "C", "B")


class _Check(NamedTuple):
    missing: bool
    letter: Letter
    code: str
    what: str


def _to_load(record: VersionRecord) -> Iterator[_Check]:
    names = {file.path.rsplit("/", 1)[-1] for file in record.artifacts.files}
    source = record.base.source
    known = bool(source.path or source.hub or source.provider)
    yield _Check(
        names.isdisjoint(WEIGHT_FILES), "D", "WGT002", "no adapter weights among its files"
    )
    yield _Check(not known, "D", "BASE003", "nothing says where its base comes from")


def _to_rebuild(record: VersionRecord) -> Iterator[_Check]:
    yield _Check(record.train.rows == 0, "C", "DATA001", "its training data have no rows")
    yield _Check(not record.code.files, "C", "CODE001", "its preprocessing was not captured")


def _to_rebuild_surely(record: VersionRecord) -> Iterator[_Check]:
    open_weights = record.base.source.provider is None
    pinned = record.base.revision is not None
    trusted = record.recipe.trust_remote_code
    yield _Check(open_weights and not pinned, "B", "BASE001", "base revision not pinned")
    yield _Check(not record.code.committed, "B", "CODE003", "code not committed")
    yield _Check(trusted, "B", "CODE005", "remote code of the base trusted")
    derived = record.rebuilt_from is not None and record.rebuilt_from.derived
    yield _Check(derived, "B", "DATA001", "derived: it learned salvaged answers, not data")
    yield _Check(record.selection is None, "B", "DATA004", "no selection")
    yield _Check(not record.evaluation, "B", "EVAL002", "no evaluation set")


def _unowned(owners: Owners) -> Iterator[tuple[Letter, Gap]]:
    if owners.team is None:
        yield "B", Gap(code="OWN001", what="no owner")
    if owners.backup is None:
        yield "B", Gap(code="OWN001", what="no backup owner")
