"""The rebuild plan: what would change, what stays pinned, what blocks it; nothing is run.

`draft` decides from facts that `jobs.plan` gathered. What it proposes as a recipe is exactly what
a rebuild trains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from adapterctl.records.base import Base, BaseShape
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Command, LoraSettings, Recipe, Task
from adapterctl.records.version import VersionRecord
from adapterctl.rules.findings import Skipped
from adapterctl.rules.lifecycle.almanac import Status
from adapterctl.rules.lifecycle.dates import is_over
from adapterctl.rules.lifecycle.succession import Succession
from adapterctl.rules.mapping.carrying import map_targets
from adapterctl.rules.mapping.targets import Blocker, Question, RoleMap
from adapterctl.rules.planning.differences import Change, base_changes, notes_on_texts
from adapterctl.rules.planning.estimates import Cost, LearningRate, TextLengths, cost, learning_rate
from adapterctl.rules.planning.ladder import Ladder, ladder
from adapterctl.rules.planning.pins import Pin, pinned
from adapterctl.rules.planning.runways import Runway, instead, notes_on_runway, runway_of
from adapterctl.rules.planning.trainer_plans import (
    TrainerFacts,
    TrainerPlan,
    gone,
    trainer_blockers,
    trainer_plan,
    trainer_today,
)
from adapterctl.rules.recipe_changes import recipe_changes
from adapterctl.rules.unpadded import note_on_padding

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


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a plan is decided from.

    Attributes:
        record: the version to rebuild.
        recipe: the adapter's recipe as it stands today; its ``role_map`` counts.
        new_base: the successor.
        old: shape of the old base; ``None`` when it is not here any more.
        new: shape of the successor.
        lengths: the training rows in the successor's tokens; ``None`` when they cannot be read.
        old_lengths: the same in the old base's tokens, as far as it is here.
        deadline: how long the old base lives for this adapter.
        runway: how long the successor would.
        onward: who follows the successor in turn, if it does not live long.
        today: the day that dates are judged on.
        blockers: what was found to stop a rebuild while gathering.
        notes: what else was found.
        trainer: what is known of a trainer command; ``None`` for the builtin one.
    """

    record: VersionRecord
    recipe: Recipe
    new_base: Base
    old: BaseShape | None
    new: BaseShape
    lengths: TextLengths | None
    old_lengths: TextLengths | None
    deadline: Status
    runway: Status
    today: date
    blockers: list[Blocker] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trainer: TrainerFacts | None = None
    onward: Succession | None = None

    @property
    def command(self) -> Command | None:
        """The trainer command that a rebuild runs."""
        return trainer_today(self.record, self.recipe)


def draft(facts: Facts) -> RebuildPlan:
    """Returns the plan that the facts lead to."""
    record, lora = facts.record, facts.record.recipe.lora
    role_map = map_targets(_question(facts))
    rate = learning_rate(record.recipe.training.learning_rate, old=facts.old, new=facts.new)
    recipe = _proposed(facts, role_map.lora, rate)
    changes = recipe_changes(record.recipe, recipe)
    hidden = _unreached(facts, role_map, changes)
    trainer = trainer_plan(facts.command, recipe) if facts.command else None
    work = _cost(facts, recipe)
    blockers = [*facts.blockers, *_dead_ends(facts), *role_map.blockers, *hidden]
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
        notes=[*facts.notes, *role_map.notes, *_notes(facts)],
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
        ladder=_ladder(facts, work, trainer),
    )


def _ladder(facts: Facts, work: Cost | None, trainer: TrainerPlan | None) -> Ladder:
    return ladder(
        work.seconds if work else None,
        old=facts.old,
        new=facts.new,
        by_command=trainer.cannot if trainer else (),
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


def _dead_ends(facts: Facts) -> Iterator[Blocker]:
    record, new = facts.record, facts.new_base
    if record.base.base == new.base:
        yield Blocker(
            what=f"the version already stands on {new.base}",
            mend=f"adapterctl reproduce {record.adapter}@{record.version} builds it again there",
        )
    if new.fingerprint is None:
        yield Blocker(
            what=f"base {new.base} has no fingerprint, so nobody could tell it from another",
            mend=f"adapterctl bases fingerprint {new.base}",
        )
    ends = facts.runway.ends
    if ends is not None and is_over(ends, facts.today):
        yield Blocker(
            what=f"the successor is past its own end: {ends.phase} ended on {ends.date}",
            mend=instead(record.adapter, facts.onward),
        )
    if facts.lengths is not None and facts.lengths.lost == facts.lengths.rows:
        yield Blocker(
            what=f"no training row keeps its answer within {facts.lengths.limit} tokens",
            mend="choose a successor with a longer context",
        )


def _notes(facts: Facts) -> Iterator[str]:
    if facts.lengths is not None:
        old = facts.old
        same = old is not None and old.chat_template == facts.new.chat_template
        yield from notes_on_texts(facts.lengths, facts.old_lengths, same_template=same)
    old_limit = facts.record.recipe.training.max_length
    if facts.new.context_length is not None and facts.new.context_length < old_limit:
        yield (
            f"max_length {old_limit} is more than the successor's context: "
            f"{facts.new.context_length} is used"
        )
    if facts.new_base.fingerprint == facts.record.base.fingerprint:
        yield "both bases have the same fingerprint: they are the same weights under two names"
    padding = note_on_padding(facts.new.family)
    if padding and facts.command is None:
        yield padding
    base, onward = facts.new_base.base, facts.onward
    yield from notes_on_runway(facts.runway, facts.today, base=base, onward=onward)
