"""Planning a rebuild: everything that it would need is gathered, and nothing is trained."""

from __future__ import annotations

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import running_environment
from adapterctl.jobs.planning.bases import Side, Successor, old_side, successor_of
from adapterctl.jobs.planning.confirmed import confirmed
from adapterctl.jobs.planning.conversations import conversations
from adapterctl.jobs.planning.memory import measured
from adapterctl.jobs.planning.rows import lengths_of, training_rows
from adapterctl.jobs.planning.tokens import lost_tokens
from adapterctl.jobs.project import Project
from adapterctl.jobs.salvage import if_lost
from adapterctl.jobs.survey import Whole, standing_of, survey, whole
from adapterctl.jobs.trainers.facts import trainer_facts
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.adopted import built
from adapterctl.rules.findings import Skipped, skipped
from adapterctl.rules.planning.facts import Facts
from adapterctl.rules.planning.plans import FleetPlan, RebuildPlan, by_deadline, draft


def plan(project: Project, wanted: str, *, to: str, device: str = "auto") -> RebuildPlan:
    """Returns what rebuilding one version on the base ``to`` would mean.

    Args:
        project: where; its day is the day that dates are judged on.
        wanted: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        to: the successor.
        device: ``auto``, ``cpu`` or ``cuda``: where it would be rebuilt.

    Raises:
        NotFound: there is no such adapter or base.
        InvalidInput: the successor is hosted, or its architecture cannot do the adapter's task;
            or the version was imported, and its sources are not recorded.
        Mismatch: the successor's weights are not the ones that were added.
    """
    adapter, version = project.version_of(wanted)
    found, _ = standing_of(project, adapter, version)
    built(found.record)
    successor = successor_of(project, to)
    return _plan(project, found, successor, device=device)


def plan_all(project: Project, *, on_base: str, to: str, device: str = "auto") -> FleetPlan:
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
    successor = successor_of(project, to)
    plans: list[RebuildPlan] = []
    failed: list[Skipped] = []
    for number, standing in enumerate(leading, start=1):
        try:
            plans.append(_plan(project, whole(project, standing), successor, device=device))
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


def _plan(project: Project, found: Whole, successor: Successor, *, device: str) -> RebuildPlan:
    record = if_lost(project, built(found.record))
    new = Side(folder=successor.folder, shape=successor.shape(record.recipe))
    old, notes = old_side(project, record, successor)
    rows = training_rows(project, record)
    lengths, unreadable = lengths_of(new, rows.rows, record)
    trainer, unread = trainer_facts(project, record)
    facts = Facts(
        record=record,
        recipe=found.recipe or record.recipe,
        new_base=successor.base,
        old=old.shape if old else None,
        new=new.shape,
        lengths=lengths,
        old_lengths=lengths_of(old, rows.rows, record)[0] if old else None,
        deadline=found.standing.status,
        runway=successor.runway(project.today, found.standing),
        onward=successor.onward(project.today, found.standing),
        today=project.today,
        running=running_environment(device, recipe=record.recipe),
        blockers=[*rows.blockers, *unreadable, *unread],
        notes=[*notes, *rows.notes],
        trainer=trainer,
        prices=project.policy.prices,
        conversations=conversations(
            old, new, rows=rows.rows, record=record, to=successor.base.base
        ),
        old_licence=_licence(project, record),
        lost_tokens=lost_tokens(old, new, rows=rows.rows, record=record),
    )
    labels = len(record.training.labels) if record.training else 0
    return measured(confirmed(draft(facts), new, record=record), new, labels=labels)


def _licence(project: Project, record: VersionRecord) -> str | None:
    """Returns the old base's licence as the registry states it today; records have none."""
    name = record.base.base
    here = project.registry.base_path(name).is_file()
    return project.registry.base(name).licence if here else None
