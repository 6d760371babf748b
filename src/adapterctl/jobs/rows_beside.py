"""Rows of a comparison for a person to read, with what was asked where that may be shown."""

from __future__ import annotations

import shutil

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.clean_room import unpack
from adapterctl.jobs.inputs.sources import prepared
from adapterctl.jobs.locks import alone
from adapterctl.jobs.parity import Answers, side_by_side, terms_of
from adapterctl.jobs.project import Project
from adapterctl.records.version import VersionRecord
from adapterctl.rules.overlap import input_text
from adapterctl.rules.parity.reading import RowsBeside, rows_beside


def read_beside(
    project: Project,
    old: VersionRecord,
    new: VersionRecord,
    *,
    answers: tuple[Answers, Answers],
    most: int,
) -> RowsBeside:
    """Returns the rows that flipped between two versions; see `rows_beside`.

    Args:
        project: where.
        old: the version whose margins count.
        new: the version whose rows and preprocessing are pinned.
        answers: of both.
        most: how many rows are shown.
    """
    sets = old.recipe.data.evaluation | new.recipe.data.evaluation
    hidden = frozenset(name for name, each in sets.items() if each.sensitive)
    left, right = answers
    return rows_beside(
        side_by_side(old.recipe, old=left, bare=None, candidate=right),
        drop=terms_of(project, old.recipe).flip_drop,
        most=most,
        sensitive=hidden,
        asked=_asked(project, new, hidden),
    )


def _asked(
    project: Project, record: VersionRecord, hidden: frozenset[str]
) -> dict[str, dict[str, str]]:
    """Returns set to row id to what was asked; nothing, where the rows are not there any more."""
    from adapterctl.training.rows.faulty_rows import row_id

    wanted = {n: each for n, each in record.recipe.data.evaluation.items() if n not in hidden}
    place = project.private / "readings" / f"{record.adapter}-{record.version}"
    if not wanted:
        return {}
    with alone(place):
        try:
            room = unpack(project, record, place)
            rows = {name: prepared(room, record.recipe, each.path) for name, each in wanted.items()}
        except AdapterctlError as error:
            project.display.say(f"what was asked is not at hand: {error.problems[0].what}")
            return {}
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return {
        name: {row_id(row, number): input_text(row) for number, row in enumerate(found)}
        for name, found in rows.items()
    }
