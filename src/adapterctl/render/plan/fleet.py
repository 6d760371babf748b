"""The plans of all adapters on a base: a line each, and what blocks some."""

from __future__ import annotations

from collections.abc import Sequence

from adapterctl.render.plan.text import in_the_way, section
from adapterctl.render.plan.words import count, duration
from adapterctl.render.table import day, paint, slack, table, unjudged, wrapped
from adapterctl.rules.planning.plans import FleetPlan, RebuildPlan

_FLEET_TITLES = ("SLACK", "REBUILD BY", "ADAPTER", "ROWS", "TIME", "PLAN")


def fleet_as_text(fleet: FleetPlan, *, colour: bool = False) -> str:
    """Returns a line per adapter on the old base, most urgent first, and what blocks some."""
    ready = sum(plan.can_run for plan in fleet.plans)
    title = f"{fleet.old_base} -> {fleet.new_base}: {ready} of {len(fleet.plans)} can run"
    skips = [(one.subject, one.reason, one.mend) for one in fleet.skipped]
    lines = [paint(title, "heading", colour=colour)]
    if fleet.plans:
        cells = [_cells(plan) for plan in fleet.plans]
        lines += ["", *table(_FLEET_TITLES, cells, right=("SLACK", "ROWS", "TIME"))]
        lines += ["", *wrapped(_total(fleet.plans))]
    for plan in fleet.plans:
        title = f"{plan.adapter}@{plan.from_version} is blocked by"
        lines += section(title, in_the_way(plan.blockers), colour=colour)
    return "\n".join([*lines, *unjudged(skips, colour=colour), "", *_fleet_next(fleet)])


def _cells(plan: RebuildPlan) -> tuple[str, ...]:
    cost = plan.cost
    return (
        slack(plan.slack_days),
        day(plan.rebuild_by),
        f"{plan.adapter}@{plan.from_version}",
        f"{cost.rows:,}" if cost else "-",
        duration(cost.seconds if cost else None),
        "ready" if plan.can_run else f"blocked by {count(len(plan.blockers), 'thing')}",
    )


def _total(plans: Sequence[RebuildPlan]) -> str:
    known = [plan.cost.seconds for plan in plans if plan.cost and plan.cost.seconds is not None]
    if not known:
        return "How long training takes cannot be estimated: no measured time to scale."
    rest = len(plans) - len(known)
    without = f", and {count(rest, 'adapter')} without an estimate" if rest else ""
    return (
        f"Training takes about {duration(sum(known))} one after the other{without}; evaluation "
        "comes on top. Estimated from each old version's measured time."
    )


def _fleet_next(fleet: FleetPlan) -> list[str]:
    if not fleet.plans:
        return [f"Next: adapterctl list --base {fleet.old_base}"]
    if all(plan.can_run for plan in fleet.plans):
        return [f"Next: adapterctl rebuild --on-base {fleet.old_base} --to {fleet.new_base}"]
    return [f"Next: adapterctl plan NAME --to {fleet.new_base} shows one plan whole"]
