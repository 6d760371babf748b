"""Plans for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapterctl.render.answer import envelope
from adapterctl.rules.planning.plans import FleetPlan, RebuildPlan
from adapterctl.rules.planning.totals import totals


def as_json(plans: Sequence[RebuildPlan], *, as_of: date) -> str:
    """Returns the plan of one adapter as an answer's only result."""
    return envelope("plan", as_of=as_of, results=plans)


def fleet_as_json(fleet: FleetPlan, *, as_of: date) -> str:
    """Returns a plan per adapter, most urgent first, and what could not be planned."""
    return envelope(
        "plan", as_of=as_of, results=fleet.plans, skipped=fleet.skipped, totals=totals(fleet.plans)
    )
