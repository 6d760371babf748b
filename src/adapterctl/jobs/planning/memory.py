"""How much memory the planned training takes on the device that it would run on."""

from __future__ import annotations

from adapterctl.errors import InvalidInput
from adapterctl.jobs.planning.bases import Side
from adapterctl.rules.planning.memory import memory
from adapterctl.rules.planning.plans import RebuildPlan, with_memory


def measured(plan: RebuildPlan, new: Side, *, labels: int) -> RebuildPlan:
    """Returns the plan with what its builtin trainer takes; a command's is not known."""
    from adapterctl.training.footprint import footprint
    from adapterctl.training.learning.memory import Meter

    largest = plan.lengths.largest if plan.lengths else None
    if plan.trainer is not None or largest is None or not largest.rows:
        return plan
    recipe = plan.proposed_recipe
    device = "cpu" if plan.basis.environment["device"] == "cpu" else "cuda"
    try:
        counted = footprint(
            new.folder,
            recipe,
            labels=labels,
            largest=largest,
            device=device,
        )
    except InvalidInput:
        return plan  # PEFT refuses the settings: that blocks the plan, in its own words
    return with_memory(plan, memory(counted, recipe.training), free=Meter(device).free())
