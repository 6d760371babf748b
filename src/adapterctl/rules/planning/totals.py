"""What a fleet of rebuilds takes in all, when one goes after the other."""

from __future__ import annotations

from collections.abc import Sequence

from adapterctl.records.noun import Noun
from adapterctl.rules.planning.budgets import Price
from adapterctl.rules.planning.plans import RebuildPlan


class Totals(Noun, frozen=True, kw_only=True):
    """Sums over the plans of a fleet.

    Attributes:
        ready: plans that nothing blocks.
        seconds: training on the first rung of each; ``most_seconds`` on every rung.
        unestimated: plans without an estimate of their time; they are not in the sums.
        price: the same in money; ``None`` without prices.
        memory: what the largest of them takes, in bytes; ``None`` where nobody can say.
    """

    plans: int
    ready: int
    seconds: float | None
    most_seconds: float | None
    unestimated: int
    price: Price | None
    memory: int | None


def totals(plans: Sequence[RebuildPlan]) -> Totals:
    """Returns the sums over plans."""
    timed = [one for one in plans if first_seconds(one) is not None]
    prices = [one.price for one in timed if one.price is not None]
    sizes = [one.memory.total for one in plans if one.memory is not None]
    return Totals(
        plans=len(plans),
        ready=sum(one.can_run for one in plans),
        seconds=round(sum(first_seconds(one) or 0.0 for one in timed), 1) if timed else None,
        most_seconds=round(sum(one.ladder.seconds or 0.0 for one in timed), 1) if timed else None,
        unestimated=len(plans) - len(timed),
        price=_sum(prices),
        memory=max(sizes, default=None),
    )


def first_seconds(plan: RebuildPlan) -> float | None:
    """Returns what training on the first rung takes."""
    return plan.ladder.rungs[0].seconds if plan.ladder.rungs else None


def _sum(prices: Sequence[Price]) -> Price | None:
    if not prices:
        return None
    return Price(
        first=round(sum(one.first for one in prices), 2),
        most=round(sum(one.most for one in prices), 2),
        currency=prices[0].currency,
    )
