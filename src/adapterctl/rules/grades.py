"""Grades: whether a version could be rebuilt, and what is missing for that (DESIGN.md, section 3).

The grade is read from the record and today's recipe alone. Whether the pinned bytes are still
there is asked of the world by ``verify``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Recipe
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


class _Check(NamedTuple):
    missing: bool
    code: str
    what: str


def grade(record: VersionRecord, recipe: Recipe, *, data_removed: bool = False) -> Grade:
    """Returns the grade of a version.

    Args:
        record: what was pinned when it was built.
        recipe: the recipe as it stands today, for what is judged today (owners).
        data_removed: its data were deleted since, as an event says.
    """
    letters: tuple[tuple[Letter, Iterator[_Check]], ...] = (
        ("D", _to_load(record)),
        ("C", _to_rebuild(record, data_removed=data_removed)),
        ("B", _to_rebuild_surely(record, recipe)),
    )
    gaps = {
        letter: [_gap(check) for check in checks if check.missing] for letter, checks in letters
    }
    worst: Letter = next((letter for letter, _ in letters if gaps[letter]), "A")
    return Grade(letter=worst, gaps=[gap for letter, _ in letters for gap in gaps[letter]])


def _gap(check: _Check) -> Gap:
    return Gap(code=check.code, what=check.what)


def _to_load(record: VersionRecord) -> Iterator[_Check]:
    names = {file.path.rsplit("/", 1)[-1] for file in record.artifacts.files}
    source = record.base.source
    yield _Check(names.isdisjoint(WEIGHT_FILES), "WGT002", "no adapter weights among its files")
    yield _Check(
        not (source.path or source.hub or source.provider),
        "BASE003",
        "nothing says where its base comes from",
    )


def _to_rebuild(record: VersionRecord, *, data_removed: bool) -> Iterator[_Check]:
    yield _Check(data_removed, "DATA001", "its training data were removed")
    yield _Check(record.train.rows == 0, "DATA001", "its training data have no rows")
    yield _Check(not record.code.files, "CODE001", "its preprocessing was not captured")


def _to_rebuild_surely(record: VersionRecord, recipe: Recipe) -> Iterator[_Check]:
    open_weights = record.base.source.provider is None
    pinned = record.base.revision is not None
    yield _Check(open_weights and not pinned, "BASE001", "base revision not pinned")
    yield _Check(not record.code.committed, "CODE003", "code not committed")
    yield _Check(record.recipe.trust_remote_code, "CODE005", "remote code of the base trusted")
    yield _Check(record.selection is None, "DATA004", "no selection")
    yield _Check(not record.evaluation, "EVAL002", "no evaluation set")
    yield _Check(recipe.owners.team is None, "OWN001", "no owner")
    yield _Check(recipe.owners.backup is None, "OWN001", "no backup owner")
