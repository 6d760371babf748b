"""The rebuild plan: what would change, what stays pinned, what blocks it; nothing is run.

`draft` decides from facts that `jobs.plan` gathered. What it proposes as a recipe is exactly what
a rebuild trains.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from adapterctl.records.noun import Noun
from adapterctl.records.recipe import LoraSettings, Recipe, Task
from adapterctl.rules.findings import Skipped
from adapterctl.rules.mapping.carrying import map_targets
from adapterctl.rules.mapping.targets import Blocker, Question, RoleMap, RoleMatch, groups, roles_of
from adapterctl.rules.planning.basis import Basis, Decision, basis_of
from adapterctl.rules.planning.budgets import Price, devices_of, priced
from adapterctl.rules.planning.conversations import Conversations
from adapterctl.rules.planning.differences import Change, base_changes
from adapterctl.rules.planning.doubts import dead_ends, remarks
from adapterctl.rules.planning.estimates import Cost, LearningRate, TextLengths, cost, learning_rate
from adapterctl.rules.planning.facts import Facts
from adapterctl.rules.planning.ladder import Ladder, ladder
from adapterctl.rules.planning.memory import Memory, note_on_room
from adapterctl.rules.planning.pins import Pin, pinned
from adapterctl.rules.planning.runways import Runway, runway_of
from adapterctl.rules.planning.surroundings import Surroundings, surroundings
from adapterctl.rules.planning.trainer_plans import (
    TrainerPlan,
    gone,
    trainer_blockers,
    trainer_plan,
)
from adapterctl.rules.recipe_changes import recipe_changes

_CHOICE = ("r", "lora_alpha", "target_modules")


class RebuildPlan(Noun, frozen=True, kw_only=True):
    """What rebuilding one adapter version on a successor means.

    Attributes:
        can_run: nothing blocks it.
        rebuild_by: the day by which work must start; ``slack_days`` until then.
        successor: how long the successor itself lives.
        changes: what will be different, side by side.
        pinned: what stays as it was.
        carried: LoRA settings beside rank, alpha and target modules that are not PEFT's defaults.
        lengths: the training rows in the successor's tokens; ``None`` when they cannot be read.
        proposed_recipe: what a rebuild trains, exactly.
        changes_in_recipe: dotted field to ``[old, new]``.
        trainer: how the team's own trainer would be run; ``None`` for the builtin one.
        ladder: the rungs that a rebuild would climb, until one passes.
        licence: of the successor; ``old_licence`` of the old base. ``None`` where none is stated.
        conversations: how probe rows are rendered on both sides; ``None`` without any.
        memory: what training takes at its peak; ``None`` where nobody can say.
        price: what training costs; ``None`` without prices or an estimate of its time.
        environment: how the running environment differs from the recorded one.
        basis: what the plan rests on.
    """

    adapter: str
    from_version: int
    task: Task
    old_base: str
    new_base: str
    can_run: bool
    rebuild_by: date | None
    slack_days: int | None
    successor: Runway
    blockers: list[Blocker]
    notes: list[str]
    changes: list[Change]
    pinned: list[Pin]
    role_map: RoleMap
    rank: int
    alpha: float
    carried: dict[str, Any]
    learning_rate: LearningRate
    lengths: TextLengths | None
    old_lengths: TextLengths | None
    cost: Cost | None
    proposed_recipe: Recipe
    changes_in_recipe: dict[str, list[Any]]
    trainer: TrainerPlan | None = None
    ladder: Ladder
    environment: Surroundings
    basis: Basis
    old_licence: str | None
    licence: str | None
    conversations: Conversations | None
    price: Price | None
    memory: Memory | None = None


class FleetPlan(Noun, frozen=True, kw_only=True):
    """The plans of all adapters on one base, most urgent first, and what could not be planned.

    Attributes:
        can_run: every adapter on the base has a plan that nothing blocks.
    """

    old_base: str
    new_base: str
    can_run: bool
    plans: list[RebuildPlan]
    skipped: list[Skipped]


def draft(facts: Facts) -> RebuildPlan:
    """Returns the plan that the facts lead to."""
    record, lora = facts.record, facts.record.recipe.lora
    role_map = _mapped(facts)
    rate = learning_rate(record.recipe.training.learning_rate, old=facts.old, new=facts.new)
    recipe = _proposed(facts, role_map.lora, rate)
    changes = recipe_changes(record.recipe, recipe)
    hidden = _unreached(facts, role_map, changes)
    trainer = trainer_plan(facts.command, recipe) if facts.command else None
    work = _cost(facts, recipe)
    rungs = _ladder(facts, work, trainer)
    blockers = [*facts.blockers, *dead_ends(facts), *role_map.blockers, *hidden]
    return RebuildPlan(
        adapter=record.adapter,
        from_version=record.version,
        task=record.recipe.task,
        old_base=record.base.base,
        new_base=facts.new_base.base,
        can_run=not blockers,
        rebuild_by=facts.deadline.rebuild_by,
        slack_days=facts.deadline.slack_days,
        successor=runway_of(facts.runway, facts.today),
        blockers=blockers,
        notes=[*facts.notes, *role_map.notes, *remarks(facts)],
        changes=list(base_changes(record, facts.new_base, old=facts.old, new=facts.new)),
        pinned=list(pinned(record)),
        role_map=role_map,
        rank=lora.r,
        alpha=lora.lora_alpha,
        carried=_carried(role_map.lora),
        learning_rate=rate,
        lengths=facts.lengths,
        old_lengths=facts.old_lengths,
        cost=work,
        proposed_recipe=recipe,
        changes_in_recipe=changes,
        trainer=trainer,
        ladder=rungs,
        price=priced(rungs, facts.prices, devices=devices_of(record)),
        environment=surroundings(
            record,
            facts.running,
            to=facts.new_base.base,
            old_is_here=facts.old is not None,
        ),
        basis=basis_of(facts),
        old_licence=facts.old_licence,
        licence=facts.new_base.licence,
        conversations=facts.conversations,
    )


def _mapped(facts: Facts) -> RoleMap:
    """Returns the mapping; the ``role_map`` of a recipe is not meant for the base it stands on."""
    question = _question(facts)
    if not facts.stays:
        return map_targets(question)
    names = question.asked()
    matches = [
        RoleMatch(
            role=role,
            old=groups(inside, facts.new.linears),
            new=groups(inside, facts.new.linears),
            how="as it was",
        )
        for role, inside in roles_of(names).items()
    ]
    return RoleMap(lora=question.lora, matches=matches, notes=[], blockers=[])


def decision(plan: RebuildPlan) -> Decision:
    """Returns what of a plan decides the build."""
    return Decision(
        adapter=plan.adapter,
        from_version=plan.from_version,
        to=plan.new_base,
        can_run=plan.can_run,
        basis=plan.basis,
        recipe=plan.proposed_recipe,
        rungs=[one.rung for one in plan.ladder.rungs],
    )


def with_memory(plan: RebuildPlan, found: Memory, *, free: int) -> RebuildPlan:
    """Returns a plan that also says what its training takes of the ``free`` bytes here."""
    notes = [*plan.notes, *note_on_room(found, free)]
    return msgspec.structs.replace(plan, memory=found, notes=notes)


def without_rows(plan: RebuildPlan) -> RebuildPlan:
    """Returns a plan that may leave the machine: no text of a row is in it."""
    talks = plan.conversations
    if talks is None:
        return plan
    bare = msgspec.structs.replace(talks, shown=[])
    return msgspec.structs.replace(plan, conversations=bare)


def _ladder(facts: Facts, work: Cost | None, trainer: TrainerPlan | None) -> Ladder:
    return ladder(
        work.seconds if work else None,
        old=facts.old,
        new=facts.new,
        by_command=trainer.cannot if trainer else (),
        stays=facts.stays,
        salvaged=facts.record.recipe.data.train.salvaged,
    )


def _unreached(facts: Facts, role_map: RoleMap, changes: dict[str, list[Any]]) -> list[Blocker]:
    """Returns what of the successor would not reach a trainer command."""
    if facts.command is None or facts.trainer is None:
        return []
    lost = gone(role_map, facts.new.linears)
    found = trainer_blockers(
        facts.command, facts.trainer, record=facts.record, changes=changes, lost=lost
    )
    return list(found)


def by_deadline(plans: list[RebuildPlan]) -> list[RebuildPlan]:
    """Returns plans by rebuild-by day, those without one last."""
    return sorted(plans, key=lambda one: (one.rebuild_by or date.max, one.adapter))


def _question(facts: Facts) -> Question:
    training = facts.record.training
    return Question(
        recipe=facts.record.recipe,
        old=facts.old,
        new=facts.new,
        overrides=facts.recipe.role_map,
        recorded=training.target_modules if training else (),
    )


def _proposed(facts: Facts, lora: LoraSettings, rate: LearningRate) -> Recipe:
    old = facts.record.recipe
    limit = min(old.training.max_length, facts.new.context_length or old.training.max_length)
    training = msgspec.structs.replace(old.training, learning_rate=rate.new, max_length=limit)
    # The mapping is in target_modules now; on the next base its names would mean nothing.
    return msgspec.structs.replace(
        old,
        base=facts.new_base.base,
        lora=lora,
        training=training,
        role_map={},
        trainer=facts.command or old.trainer,
    )


def _carried(lora: LoraSettings) -> dict[str, Any]:
    plain, usual = msgspec.to_builtins(lora), msgspec.to_builtins(LoraSettings())
    return {
        name: value for name, value in plain.items() if value != usual[name] and name not in _CHOICE
    }


def _cost(facts: Facts, recipe: Recipe) -> Cost | None:
    if facts.lengths is None:
        return None
    return cost(
        recipe.training,
        facts.lengths,
        old=facts.old,
        new=facts.new,
        record=facts.record,
        old_lengths=facts.old_lengths,
    )
