"""The parity report of two registered versions, from their recorded predictions."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.jobs import filing
from adapterctl.jobs.clean_room import put_recorded_base, unpack
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.inputs.sources import gather, prepared
from adapterctl.jobs.judging import Judged, judged
from adapterctl.jobs.locks import alone as locked
from adapterctl.jobs.noise_floor import Noise, floored
from adapterctl.jobs.parity import Answers, parity
from adapterctl.jobs.project import Project
from adapterctl.jobs.rows_beside import read_beside
from adapterctl.jobs.together import alone
from adapterctl.records.parity import ParityReport, Threshold
from adapterctl.records.version import VersionRecord
from adapterctl.rules.evaluator_commands import KEY, judged_sets
from adapterctl.rules.parity.reading import RowsBeside
from adapterctl.rules.thresholds import stale


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


def compare(
    project: Project,
    old: str,
    new: str,
    *,
    rows: int | None = None,
    seeds: int = 0,
    device: str = "auto",
) -> Compared:
    """Judges version ``new`` against version ``old`` on the rows that both answered.

    Args:
        project: where.
        old: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        new: the same.
        rows: how many rows that flipped are listed; ``None`` lists none.
        seeds: how many others ``new`` is trained by, for a noise floor.
        device: ``auto``, ``cpu`` or ``cuda``: where they are.

    Raises:
        InvalidInput: the two were evaluated on different rows.
    """
    left = project.registry.record(*project.version_of(old))
    right = project.registry.record(*project.version_of(new))
    _same_sets(left, right)
    found = _judged(project, left, right)
    report = found.told(
        parity(
            project,
            left.recipe,
            old=found.old,
            bare=found.bare,
            candidate=found.candidate,
            old_side="recorded",
        )
    )
    report = msgspec.structs.replace(report, thresholds=_thresholds(left, right))
    if seeds:
        report = _above_noise(
            project, right, report, candidate=found.candidate, seeds=seeds, device=device
        )
    read = None
    if rows is not None:
        read = read_beside(project, left, right, answers=(found.old, found.candidate), most=rows)
    return Compared(old=left, new=right, report=report, rows=read)


def _judged(project: Project, left: VersionRecord, right: VersionRecord) -> Judged:
    """Returns the recorded answers; what an evaluator says of two sides it must say of these two.

    A version that was rebuilt from the other was judged beside it then.
    """
    answers = Judged(
        old=_answers(project, left, "adapter"),
        bare=_answers(project, right, "bare") or None,
        candidate=_answers(project, right, "adapter"),
    )
    if not judged_sets(left.recipe):
        return answers
    origin = right.rebuilt_from
    if origin and (right.adapter, origin.version) == (left.adapter, left.version):
        return replace(
            answers,
            old=_answers(project, right, "old"),
            judging=origin.parity.judging,
            facts=origin.parity.settings.get(KEY, {}),
        )
    place = project.private / "judging" / f"{right.adapter}-{right.version}"
    with locked(place):
        room = unpack(project, right, place)
        sets = right.recipe.data.evaluation.items()
        rows = {name: prepared(room, right.recipe, each.path) for name, each in sets}
        return judged(
            project,
            room,
            right.recipe,
            rows=rows,
            old=answers.old,
            bare=answers.bare,
            candidate=answers.candidate,
        )


def _thresholds(left: VersionRecord, right: VersionRecord) -> list[Threshold]:
    """Returns what became of the thresholds when ``right`` was rebuilt, or that they are stale."""
    origin = right.rebuilt_from
    if origin and (right.adapter, origin.version) == (left.adapter, left.version):
        return origin.parity.thresholds
    if left.base.fingerprint == right.base.fingerprint:
        return []
    same = {k: v for k, v in right.recipe.thresholds.items() if left.recipe.thresholds.get(k) == v}
    return stale(same, "the two versions stand on different bases")


def _above_noise(
    project: Project,
    record: VersionRecord,
    report: ParityReport,
    *,
    candidate: Answers,
    seeds: int,
    device: str,
) -> ParityReport:
    """Returns the report with a noise floor: trained from the record's pins, in a clean room.

    Raises:
        NotFound: data, code or base are gone.
    """
    place = project.private / "noise" / f"{record.adapter}-{record.version}"
    with locked(place):
        room = unpack(project, record, place)
        put_recorded_base(project, record, room.root)
        noise = Noise(
            project=project,
            place=room,
            sources=gather(room, record.recipe, code=record.code.files),
            built=room.root / ".version",
            seeds=seeds,
            device=device,
        )
        try:
            return alone(floored(noise, report, candidate=candidate), Here())
        finally:
            shutil.rmtree(place, ignore_errors=True)


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
