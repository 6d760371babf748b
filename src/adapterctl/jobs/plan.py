"""Planning a rebuild: everything that it would need is gathered, and nothing is trained."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput, Mismatch, NotFound
from adapterctl.jobs import clean_room
from adapterctl.jobs.forget import must_have_data
from adapterctl.jobs.inputs.base_folder import checked, locate
from adapterctl.jobs.inputs.declared_bases import readable_bases
from adapterctl.jobs.inputs.sources import Row, prepared
from adapterctl.jobs.project import Project, require
from adapterctl.jobs.salvage import if_lost
from adapterctl.jobs.survey import Whole, standing_of, survey, whole
from adapterctl.jobs.trainers.facts import trainer_facts
from adapterctl.records.base import Base, BaseShape
from adapterctl.records.canonical import rows_digest
from adapterctl.records.recipe import Recipe, Task
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.adopted import built
from adapterctl.rules.findings import Skipped, skipped
from adapterctl.rules.lifecycle.almanac import Almanac, Status
from adapterctl.rules.lifecycle.dates import day_of
from adapterctl.rules.lifecycle.succession import Move, Succession, succession
from adapterctl.rules.mapping.choice import chosen
from adapterctl.rules.mapping.targets import Blocker, blockers_of
from adapterctl.rules.planning.estimates import TextLengths
from adapterctl.rules.planning.plans import Facts, FleetPlan, RebuildPlan, by_deadline, draft
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.standing import Standing


def plan(project: Project, wanted: str, *, to: str) -> RebuildPlan:
    """Returns what rebuilding one version on the base ``to`` would mean.

    Args:
        project: where; its day is the day that dates are judged on.
        wanted: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        to: the successor.

    Raises:
        NotFound: there is no such adapter or base.
        InvalidInput: the successor is hosted, or its architecture cannot do the adapter's task;
            or the version was imported, and its sources are not recorded.
        Mismatch: the successor's weights are not the ones that were added.
    """
    adapter, version = project.version_of(wanted)
    found, _ = standing_of(project, adapter, version)
    built(found.record)
    successor = _successor(project, to)
    return _plan(project, found, successor)


def plan_all(project: Project, *, on_base: str, to: str) -> FleetPlan:
    """Returns the plans of all adapters on ``on_base``; retired ones are left out.

    What cannot be planned for one adapter is skipped with its reason.

    Raises:
        NotFound: ``on_base`` is no base, and no adapter stands on it; or ``to`` is none.
        InvalidInput: the successor is hosted.
        Mismatch: the successor's weights are not the ones that were added.
    """
    found = survey(project)
    leading = [one for one in found.standings if one.leads and one.base == on_base]
    if not leading:
        project.registry.base(on_base)
    successor = _successor(project, to)
    plans: list[RebuildPlan] = []
    failed: list[Skipped] = []
    for number, standing in enumerate(leading, start=1):
        try:
            plans.append(_plan(project, whole(project, standing), successor))
        except AdapterctlError as error:
            failed.append(skipped(f"adapter:{standing.name}", error))
        project.display.progress("planning", number, len(leading))
    return FleetPlan(
        old_base=on_base,
        new_base=to,
        can_run=not failed and all(one.can_run for one in plans),
        plans=by_deadline(plans),
        skipped=[*failed, *found.skipped],
    )


@dataclass(frozen=True, kw_only=True)
class _Successor:
    """The base to move to, looked at once for all adapters."""

    base: Base
    folder: Path
    almanac: Almanac
    shapes: dict[tuple[Path, Task, bool], BaseShape] = field(default_factory=dict)

    def shape(self, recipe: Recipe, *, folder: Path | None = None) -> BaseShape:
        """Returns the shape of this base, or of the old one in ``folder``, read once."""
        from adapterctl.training.inspect import describe

        key = folder or self.folder, recipe.task, recipe.trust_remote_code
        if key not in self.shapes:
            self.shapes[key] = describe(
                key[0], task=recipe.task, trust_remote_code=recipe.trust_remote_code
            )
        return self.shapes[key]

    def runway(self, today: date, standing: Standing) -> Status:
        """Returns how long this base would live for an adapter that is served as it is now."""
        return self.almanac.status_on(
            today,
            base=self.base.base,
            serving=standing.serving,
            lead_days=standing.status.lead_days,
        )

    def onward(self, today: date, standing: Standing) -> Succession:
        """Returns who follows this base in turn, from the day that the adapter would need it."""
        ends = standing.status.ends
        use = self.almanac.use(self.base.base, standing.serving)
        arrival = max(today, day_of(ends)) if ends else today
        move = Move(self.base.base, use, arrival, standing.status.lead_days)
        return succession(self.almanac, move)


def _successor(project: Project, to: str) -> _Successor:
    require("torch", extra="train", needed_for="a rebuild plan")
    base = project.registry.base(to)
    folder = checked(project, base) if base.fingerprint else locate(project, base)
    almanac = project.almanac({**readable_bases(project), to: base})
    return _Successor(base=base, folder=folder, almanac=almanac)


def _plan(project: Project, found: Whole, successor: _Successor) -> RebuildPlan:
    record = if_lost(project, built(found.record))
    new = _Side(folder=successor.folder, shape=successor.shape(record.recipe))
    old, notes = _old_side(project, record, successor)
    rows = _training_rows(project, record)
    lengths, unreadable = _lengths(new, rows.rows, record)
    trainer, unread = trainer_facts(project, record)
    facts = Facts(
        record=record,
        recipe=found.recipe or record.recipe,
        new_base=successor.base,
        old=old.shape if old else None,
        new=new.shape,
        lengths=lengths,
        old_lengths=_lengths(old, rows.rows, record)[0] if old else None,
        deadline=found.standing.status,
        runway=successor.runway(project.today, found.standing),
        onward=successor.onward(project.today, found.standing),
        today=project.today,
        blockers=[*rows.blockers, *unreadable, *unread],
        notes=[*notes, *rows.notes],
        trainer=trainer,
    )
    return _confirmed(draft(facts), new, record=record)


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One of the two bases."""

    folder: Path
    shape: BaseShape


def _old_side(
    project: Project, record: VersionRecord, successor: _Successor
) -> tuple[_Side | None, list[str]]:
    """Returns the old base, or ``None`` and what cannot be compared without it."""
    try:
        folder = checked(project, record.base)
        shape = successor.shape(record.recipe, folder=folder)
    except AdapterctlError as error:
        reason = error.problems[0].what
        return None, [
            f"{reason}: modules are mapped by the names in the record, and shapes, tokenizer, "
            "template and time cannot be compared"
        ]
    return _Side(folder=folder, shape=shape), []


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Prepared training rows, or why there are none."""

    rows: list[Row] | None = None
    blockers: Sequence[Blocker] = ()
    notes: Sequence[str] = ()


def _training_rows(project: Project, record: VersionRecord) -> _Rows:
    """Prepares the training rows: from the working tree if they are still the recorded ones."""
    recorded = record.prepared.get(TRAIN)
    path = record.recipe.data.train.path
    try:
        must_have_data(project, record)
    except NotFound as error:
        return _Rows(blockers=blockers_of(error))
    try:
        rows = prepared(project, record.recipe, path)
        if recorded is not None:
            _must_be_recorded(rows, record, place=path)
    except AdapterctlError as error:
        here = blockers_of(error)
        return _Rows(blockers=here) if recorded is None else _pinned_rows(project, record, here)
    if recorded is None:
        note = "the record has no digest of the prepared rows: today's rows are counted"
        return _Rows(rows=rows, notes=[note])
    return _Rows(rows=rows)


def _pinned_rows(project: Project, record: VersionRecord, here: list[Blocker]) -> _Rows:
    """Prepares the training rows from what the record pins; ``here`` says why that is needed."""
    out = project.private / "plans" / f"{record.adapter}-{record.version}"
    try:
        place = clean_room.unpack(project, record, out)
        rows = prepared(place, record.recipe, record.recipe.data.train.path)
        _must_be_recorded(rows, record, place="pinned data and code")
    except AdapterctlError as error:
        return _Rows(blockers=[*here, *blockers_of(error)])
    finally:
        shutil.rmtree(out, ignore_errors=True)
    note = "the working tree has other data or code than the record: the pinned ones are used"
    return _Rows(rows=rows, notes=[note])


def _must_be_recorded(rows: list[Row], record: VersionRecord, *, place: str) -> None:
    if rows_digest(rows) != record.prepared[TRAIN].rows_sha256:
        raise Mismatch(
            "after preprocessing these are not the training rows of the record (CODE002)",
            place=place,
            hint=f"adapterctl verify {record.adapter}@{record.version}",
        )


def _lengths(
    side: _Side, rows: list[Row] | None, record: VersionRecord
) -> tuple[TextLengths | None, list[Blocker]]:
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
            trust_remote_code=record.recipe.trust_remote_code,
        )
    except InvalidInput as error:
        return None, blockers_of(error)
    return found, []


def _confirmed(plan: RebuildPlan, new: _Side, *, record: VersionRecord) -> RebuildPlan:
    """Asks PEFT and the trainer themselves whether they would do what the plan says."""
    from adapterctl.training.inspect import given_lora
    from adapterctl.training.refusals import lora_problems, training_problems

    if not plan.can_run:
        return plan
    recipe = plan.proposed_recipe
    labels = len(record.training.labels) if record.training else 0
    problems = []
    if plan.trainer is None:
        problems = [*lora_problems(recipe.lora), *training_problems(recipe.training)]
    blockers = blockers_of(InvalidInput(problems)) if problems else []
    try:
        given = given_lora(new.folder, recipe, labels=labels)
    except InvalidInput as error:
        blockers += blockers_of(error)
    else:
        planned = chosen(recipe.lora, new.shape.linears, task=recipe.task)
        blockers += _disagreement(given, planned)
    return msgspec.structs.replace(plan, blockers=blockers, can_run=not blockers)


def _disagreement(given: Sequence[str], planned: Sequence[str]) -> list[Blocker]:
    odd = sorted(set(given) ^ set(planned))
    if not odd:
        return []
    return [
        Blocker(
            what=f"PEFT would give LoRA to {len(given)} modules, the plan names {len(planned)}; "
            f"the first that differs: {odd[0]}",
            mend="name the successor's modules in role_map",
        )
    ]
