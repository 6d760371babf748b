"""The plans of all adapters on a base: a line each, and what blocks some."""

from __future__ import annotations

from collections.abc import Iterator

from adapterctl.render.plan.text import in_the_way, section
from adapterctl.render.plan.words import count, duration, money, size
from adapterctl.render.table import day, paint, slack, table, unjudged, wrapped
from adapterctl.rules.planning.plans import FleetPlan, RebuildPlan
from adapterctl.rules.planning.totals import Totals, first_seconds, totals

TITLES = ("SLACK", "REBUILD BY", "ADAPTER", "TIME", "COST", "MEMORY", "PLAN")
"""Without prices there is no column of costs."""

_NUMBERS = ("SLACK", "TIME", "COST", "MEMORY")


def fleet_as_text(fleet: FleetPlan, *, colour: bool = False) -> str:
    """Returns a line per adapter on the old base, most urgent first, and what blocks some."""
    found = totals(fleet.plans)
    title = f"{fleet.old_base} -> {fleet.new_base}: {found.ready} of {found.plans} can run"
    skips = [(one.subject, one.reason, one.mend) for one in fleet.skipped]
    lines = [paint(title, "heading", colour=colour)]
    if fleet.plans:
        titles, *cells = rows(fleet.plans, found)
        lines += ["", *table(titles, cells, right=_NUMBERS)]
        lines += ["", *wrapped(" ".join(in_all(found)))]
    for plan in fleet.plans:
        title = f"{plan.adapter}@{plan.from_version} is blocked by"
        lines += section(title, in_the_way(plan.blockers), colour=colour)
    lines += unjudged(skips, colour=colour)
    return "\n".join([*lines, "", f"Next: {''.join(next_command(fleet))}"])


def rows(plans: list[RebuildPlan], found: Totals) -> list[tuple[str, ...]]:
    """Returns the titles, a line per plan, and the sums."""
    lines = [TITLES, *map(_cells, plans), _sums(found)]
    if any(plan.price for plan in plans):
        return lines
    cost = TITLES.index("COST")
    return [(*line[:cost], *line[cost + 1 :]) for line in lines]


def in_all(found: Totals) -> Iterator[str]:
    """Yields what the sums mean, as sentences."""
    if found.seconds is None:
        yield "How long training takes cannot be estimated: no measured time to scale."
        return
    rest = count(found.unestimated, "adapter")
    without = f", and {rest} without an estimate" if found.unestimated else ""
    yield (
        f"Training takes about {duration(found.seconds)} one after the other{without}, and "
        f"{_most(found)} if none passes before its last rung; evaluation comes on top."
    )
    yield "Estimated from each old version's measured time."
    if found.memory is not None:
        yield f"The largest takes {size(found.memory)} beside what Python and torch take."


def next_command(fleet: FleetPlan) -> tuple[str, str]:
    """Returns the command to run next, and what is to be said after it."""
    if not fleet.plans:
        return f"adapterctl list --base {fleet.old_base}", ""
    if all(plan.can_run for plan in fleet.plans):
        return f"adapterctl rebuild --on-base {fleet.old_base} --to {fleet.new_base}", ""
    return f"adapterctl plan NAME --to {fleet.new_base}", " shows one plan whole"


def _most(found: Totals) -> str:
    most = duration(found.most_seconds)
    return f"{most} ({money(found.price.most, found.price)})" if found.price else most


def _cells(plan: RebuildPlan) -> tuple[str, ...]:
    blocked = count(len(plan.blockers), "blocker")
    return (
        slack(plan.slack_days),
        day(plan.rebuild_by),
        f"{plan.adapter}@{plan.from_version}",
        duration(first_seconds(plan)),
        money(plan.price.first, plan.price) if plan.price else "-",
        size(plan.memory.total) if plan.memory else "-",
        "ready" if plan.can_run else blocked,
    )


def _sums(found: Totals) -> tuple[str, ...]:
    return (
        "",
        "",
        "in all",
        duration(found.seconds),
        money(found.price.first, found.price) if found.price else "-",
        size(found.memory) if found.memory is not None else "-",
        f"{found.ready} of {found.plans} ready",
    )
