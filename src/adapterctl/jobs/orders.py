"""What is to be rebuilt, planned before anything runs: whether it may begin, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from adapterctl.errors import Refused
from adapterctl.jobs import filing
from adapterctl.jobs.hosted_rebuild import hosted
from adapterctl.jobs.ladder.climb import Limits
from adapterctl.jobs.plan import plan
from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import standing_of
from adapterctl.records.adopted import AdoptedVersion
from adapterctl.rules.planning.budgets import Budget, budget, devices_of, must_afford
from adapterctl.rules.planning.ladder import Ladder
from adapterctl.rules.planning.plans import RebuildPlan, decision
from adapterctl.rules.planning.saved import must_still_hold

ANY_HEIGHT = Limits()


@dataclass(frozen=True, kw_only=True)
class Order:
    """A rebuild that is asked for.

    Attributes:
        to: the successor base.
        device: ``auto``, ``cpu`` or ``cuda``.
        resume: go on with a rebuild that was interrupted.
        limits: how far up the ladder, and at what cost.
    """

    project: Project
    adapter: str
    version: int
    to: str
    device: str
    resume: bool
    limits: Limits = ANY_HEIGHT

    @property
    def name(self) -> str:
        """The version: ``support-router@1``."""
        return f"{self.adapter}@{self.version}"


@dataclass(frozen=True, kw_only=True)
class Due:
    """By when work must start; ``None`` where no date is known."""

    rebuild_by: date | None = None
    slack_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class Climbing:
    """A rebuild that may begin: up ``ladder``, within ``budget``."""

    order: Order
    plan: RebuildPlan
    ladder: Ladder
    budget: Budget | None

    @property
    def due(self) -> Due:
        """As the plan says."""
        return Due(rebuild_by=self.plan.rebuild_by, slack_days=self.plan.slack_days)


@dataclass(frozen=True, kw_only=True)
class Moving:
    """A hosted fine-tune that may be rebuilt onto open weights."""

    order: Order
    old: AdoptedVersion
    due: Due


def planned(order: Order) -> Climbing | Moving:
    """Returns the rebuild as it would go.

    Raises:
        Refused: the plan is blocked, every blocker is named; or it costs more than the limits say;
            or it is not the saved plan that the limits hold it to.
    """
    filing.must_be_writable(order.project, order.adapter)
    old = hosted(order.project, order.adapter, order.version)
    if old is not None:
        return Moving(order=order, old=old, due=due(order))
    the_plan = plan(order.project, order.name, to=order.to, device=order.device)
    must_still_hold(order.limits.agreed, decision(the_plan))
    _must_not_be_blocked(the_plan, order)
    ladder, allowed = _affordable(order, the_plan)
    return Climbing(order=order, plan=the_plan, ladder=ladder, budget=allowed)


def due(order: Order) -> Due:
    """Returns the deadline of a version, as it stands today."""
    found, _ = standing_of(order.project, order.adapter, order.version)
    status = found.standing.status
    return Due(rebuild_by=status.rebuild_by, slack_days=status.slack_days)


def _must_not_be_blocked(the_plan: RebuildPlan, order: Order) -> None:
    if the_plan.blockers:
        raise Refused(
            f"the plan is blocked: {'; '.join(map(str, the_plan.blockers))}",
            place=f"{order.name} -> {order.to}",
            hint=f"adapterctl plan {order.name} --to {order.to}",
        )


def _affordable(order: Order, the_plan: RebuildPlan) -> tuple[Ladder, Budget | None]:
    limits, place = order.limits, f"{order.name} -> {order.to}"
    ladder = the_plan.ladder.up_to(limits.highest)
    if not ladder.rungs:
        raise Refused(
            f"no rung up to {limits.highest!r} can be climbed",
            place=place,
            hint="; ".join(f"{one.rung}: {one.why}" for one in ladder.cannot),
        )
    allowed = budget(limits.budget, order.project.policy.prices) if limits.budget else None
    record = order.project.registry.record(order.adapter, order.version)
    must_afford(ladder, allowed, devices=devices_of(record), place=place)
    return ladder, allowed
