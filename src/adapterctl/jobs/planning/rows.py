"""The training rows of a plan: as they are pinned, and as long as a base finds them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from adapterctl.errors import AdapterctlError, InvalidInput, Mismatch, NotFound
from adapterctl.jobs import clean_room
from adapterctl.jobs.forget import must_have_data
from adapterctl.jobs.inputs.sources import Row, prepared
from adapterctl.jobs.planning.bases import Side
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import rows_digest
from adapterctl.records.version import VersionRecord
from adapterctl.rules.mapping.targets import Blocker, blockers_of
from adapterctl.rules.planning.estimates import TextLengths
from adapterctl.rules.recipes import TRAIN


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Prepared training rows, or why there are none."""

    rows: list[Row] | None = None
    blockers: Sequence[Blocker] = ()
    notes: Sequence[str] = ()


def training_rows(project: Project, record: VersionRecord) -> Rows:
    """Prepares the training rows: from the working tree if they are still the recorded ones."""
    recorded = record.prepared.get(TRAIN)
    path = record.recipe.data.train.path
    try:
        must_have_data(project, record)
    except NotFound as error:
        return Rows(blockers=blockers_of(error))
    try:
        rows = prepared(project, record.recipe, path)
        if recorded is not None:
            _must_be_recorded(rows, record, place=path)
    except AdapterctlError as error:
        here = blockers_of(error)
        return Rows(blockers=here) if recorded is None else _pinned_rows(project, record, here)
    if recorded is None:
        note = "the record has no digest of the prepared rows: today's rows are counted"
        return Rows(rows=rows, notes=[note])
    return Rows(rows=rows)


def _pinned_rows(project: Project, record: VersionRecord, here: list[Blocker]) -> Rows:
    """Prepares the training rows from what the record pins; ``here`` says why that is needed."""
    out = project.private / "plans" / f"{record.adapter}-{record.version}"
    try:
        place = clean_room.unpack(project, record, out)
        rows = prepared(place, record.recipe, record.recipe.data.train.path)
        _must_be_recorded(rows, record, place="pinned data and code")
    except AdapterctlError as error:
        return Rows(blockers=[*here, *blockers_of(error)])
    finally:
        shutil.rmtree(out, ignore_errors=True)
    note = "the working tree has other data or code than the record: the pinned ones are used"
    return Rows(rows=rows, notes=[note])


def _must_be_recorded(rows: list[Row], record: VersionRecord, *, place: str) -> None:
    if rows_digest(rows) != record.prepared[TRAIN].rows_sha256:
        raise Mismatch(
            "after preprocessing these are not the training rows of the record (CODE002)",
            place=place,
            hint=f"adapterctl verify {record.adapter}@{record.version}",
        )


def lengths_of(
    side: Side, rows: list[Row] | None, record: VersionRecord
) -> tuple[TextLengths | None, list[Blocker]]:
    """Returns how long rows are on one base, or what keeps it from reading them."""
    from adapterctl.training.inspect import text_lengths

    if rows is None:
        return None, []
    try:
        found = text_lengths(
            side.folder,
            rows,
            task=record.recipe.task,
            max_length=record.recipe.training.max_length,
            context=side.shape.context_length,
            batch=record.recipe.training.per_device_train_batch_size,
            trust_remote_code=record.recipe.trust_remote_code,
        )
    except InvalidInput as error:
        return None, blockers_of(error)
    return found, []
