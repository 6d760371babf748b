"""PEFT and the trainer have the last word on a plan."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.jobs.planning.bases import Side
from adapterctl.records.version import VersionRecord
from adapterctl.rules.mapping.choice import chosen
from adapterctl.rules.mapping.targets import Blocker, blockers_of
from adapterctl.rules.planning.plans import RebuildPlan


def confirmed(plan: RebuildPlan, new: Side, *, record: VersionRecord) -> RebuildPlan:
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
