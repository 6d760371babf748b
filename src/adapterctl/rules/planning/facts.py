"""What a rebuild plan is decided from; `jobs.plan` gathers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from adapterctl.records.base import Base, BaseShape
from adapterctl.records.policy import Prices
from adapterctl.records.recipe import Command, Recipe
from adapterctl.records.version import Environment, VersionRecord
from adapterctl.rules.lifecycle.almanac import Status
from adapterctl.rules.lifecycle.succession import Succession
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.rules.planning.conversations import Conversations
from adapterctl.rules.planning.estimates import TextLengths
from adapterctl.rules.planning.trainer_plans import TrainerFacts, trainer_today


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
        running: the environment that would rebuild it.
        blockers: what was found to stop a rebuild while gathering.
        notes: what else was found.
        old_licence: of the old base, as the registry says today; ``None`` where it is not stated.
        lost_tokens: added tokens of the old base that the successor lacks, with how many training
            rows hold them.
        prices: of the project.
        conversations: how probe rows are rendered on both sides; ``None`` without any.
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
    running: Environment
    blockers: list[Blocker] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trainer: TrainerFacts | None = None
    onward: Succession | None = None
    old_licence: str | None = None
    conversations: Conversations | None = None
    prices: Prices | None = None
    lost_tokens: Mapping[str, int] = field(default_factory=dict)

    @property
    def stays(self) -> bool:
        """Whether the base is the old one, so that the environment alone would change."""
        return self.record.base.base == self.new_base.base

    @property
    def command(self) -> Command | None:
        """The trainer command that a rebuild runs."""
        return trainer_today(self.record, self.recipe)
