"""The parity report of two registered versions, from their recorded predictions."""

from __future__ import annotations

from dataclasses import dataclass

from adapterctl.errors import InvalidInput
from adapterctl.jobs import filing
from adapterctl.jobs.parity import Answers, parity
from adapterctl.jobs.project import Project
from adapterctl.jobs.rows_beside import read_beside
from adapterctl.records.parity import ParityReport
from adapterctl.records.version import VersionRecord
from adapterctl.rules.parity.reading import RowsBeside


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two versions and their report; ``new`` is judged against ``old``.

    Attributes:
        rows: the rows to read, where they were asked for.
    """

    old: VersionRecord
    new: VersionRecord
    report: ParityReport
    rows: RowsBeside | None = None


def compare(project: Project, old: str, new: str, *, rows: int | None = None) -> Compared:
    """Judges version ``new`` against version ``old`` on the rows that both answered.

    Args:
        project: where.
        old: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        new: the same.
        rows: how many rows that flipped are listed; ``None`` lists none.

    Raises:
        InvalidInput: the two were evaluated on different rows.
    """
    left = project.registry.record(*project.version_of(old))
    right = project.registry.record(*project.version_of(new))
    _same_sets(left, right)
    before, now = _answers(project, left, "adapter"), _answers(project, right, "adapter")
    report = parity(
        project,
        left.recipe,
        old=before,
        bare=_answers(project, right, "bare") or None,
        candidate=now,
        old_side="recorded",
    )
    read = None
    if rows is not None:
        read = read_beside(project, left, right, answers=(before, now), most=rows)
    return Compared(old=left, new=right, report=report, rows=read)


def _answers(project: Project, record: VersionRecord, side: str) -> Answers:
    folder = filing.fetched(project, record)
    found = {name: filing.read_predictions(folder, side, name) for name in record.evaluation}
    return {name: answers for name, answers in found.items() if answers is not None}


def _same_sets(left: VersionRecord, right: VersionRecord) -> None:
    for name, pin in left.evaluation.items():
        other = right.evaluation.get(name)
        if other is None or other.sha256 != pin.sha256:
            raise InvalidInput.one(
                f"{left.adapter}@{left.version} and {right.adapter}@{right.version} were "
                f"evaluated on different rows of {name!r}",
                hint="register both with the same evaluation set",
            )
