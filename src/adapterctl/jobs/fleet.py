"""Rebuilding several adapters: all on a base, or those that are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.executors import Executor
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.ladder.climb import Limits
from adapterctl.jobs.orders import ANY_HEIGHT, Climbing, Due, Moving, Order, due, planned
from adapterctl.jobs.project import Project
from adapterctl.jobs.rebuild import rebuilding
from adapterctl.jobs.survey import survey
from adapterctl.jobs.together import alone, together
from adapterctl.rules.findings import Skipped
from adapterctl.rules.outcomes import Rebuilt


def on_base(project: Project, base: str) -> tuple[list[str], list[Skipped]]:
    """Returns the versions on ``base`` that speak for their adapters, and what cannot be read.

    Retired adapters are left out.

    Raises:
        NotFound: ``base`` is no base, and no adapter stands on it.
    """
    found = survey(project)
    names = [each.name for each in found.standings if each.leads and each.base == base]
    if not names:
        project.registry.base(base)
        project.display.say(f"no adapter stands on {base}")
    for one in found.skipped:
        project.display.say(f"skipped {one.subject}: {one.reason}")
    return names, found.skipped


def rebuild_all(
    project: Project,
    wanted: Sequence[str],
    *,
    to: str,
    device: str,
    resume: bool,
    limits: Limits = ANY_HEIGHT,
    executor: Executor | None = None,
) -> list[Rebuilt]:
    """Rebuilds adapters side by side on the successor ``to``; what stops one concerns it alone.

    All are planned before one begins. What can be built at once is, and a base is loaded once for
    all that ask on it; each has its own journal, and its bytes are those of a rebuild by itself.

    Args:
        project: where.
        wanted: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        to: the successor base.
        device: ``auto``, ``cpu`` or ``cuda``.
        resume: go on with rebuilds that were interrupted.
        limits: how far up the ladder each may go, and at what cost.
        executor: where builds run; in this process by default.

    Returns:
        one outcome for each, by deadline.

    Raises:
        InvalidInput: one of the names is no registered version; nothing was begun.
        AdapterctlError: what stopped the only one.
    """
    orders = [
        Order(
            project=project,
            adapter=adapter,
            version=version,
            to=to,
            device=device,
            resume=resume,
            limits=limits,
        )
        for adapter, version in dict.fromkeys(project.version_of(name) for name in wanted)
    ]
    if len(orders) == 1:
        return [alone(rebuilding(planned(orders[0])), executor or Here())]
    return _fleet(orders, executor or Here())


def _fleet(orders: Sequence[Order], executor: Executor) -> list[Rebuilt]:
    ready, done = _planned(orders)
    for wave in _waves(sorted(ready, key=_urgency)):
        jobs = {one.order.name: rebuilding(one) for one in wave}
        ends = together(jobs, executor, display=wave[0].order.project.display, told=_told)
        for one in wave:
            end = ends[one.order.name]
            if isinstance(end, AdapterctlError):
                end = _stopped(one.order, end, due=one.due)
            done.append(end)
    return sorted(done, key=lambda one: (one.rebuild_by or date.max, one.adapter))


def _planned(orders: Sequence[Order]) -> tuple[list[Climbing | Moving], list[Rebuilt]]:
    """Returns what may begin, and what may not with its reason."""
    ready: list[Climbing | Moving] = []
    stopped: list[Rebuilt] = []
    for number, order in enumerate(orders, start=1):
        try:
            ready.append(planned(order))
        except AdapterctlError as error:
            stopped.append(_stopped(order, error, due=_due(order)))
        order.project.display.progress("planning", number, len(orders))
    return ready, stopped


def _due(order: Order) -> Due:
    """Returns the deadline of what cannot even be planned, if it is known."""
    try:
        return due(order)
    except AdapterctlError:
        return Due()


def _stopped(order: Order, error: AdapterctlError, *, due: Due) -> Rebuilt:
    return Rebuilt(
        adapter=order.adapter,
        from_version=order.version,
        base=order.to,
        rebuild_by=due.rebuild_by,
        slack_days=due.slack_days,
        error=str(error),
    )


def _told(done: Rebuilt) -> str:
    verdict = done.report.verdict if done.report else "no report"
    return f"{verdict}, filed as {done.adapter}@{done.to_version}"


def _urgency(one: Climbing | Moving) -> tuple[date, str]:
    return one.due.rebuild_by or date.max, one.order.adapter


def _waves(ready: Sequence[Climbing | Moving]) -> Iterator[list[Climbing | Moving]]:
    """Yields what goes side by side: versions of one adapter may share a work folder."""
    left = list(ready)
    while left:
        wave = {one.order.adapter: one for one in reversed(left)}
        together_now = [one for one in left if wave[one.order.adapter] is one]
        yield together_now
        left = [one for one in left if one not in together_now]
