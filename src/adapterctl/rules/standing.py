"""How one adapter version stands today: its record, its people, and the time its base has left."""

from __future__ import annotations

from datetime import date

from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Recipe, Task
from adapterctl.records.version import VersionRecord
from adapterctl.rules.grades import Gap, Grade, Letter, grade
from adapterctl.rules.lifecycle import Status, day_of


class Standing(Noun, frozen=True, kw_only=True):
    """One adapter version on one day.

    Attributes:
        recipe: as it stands today; the record's own where today's is missing or broken.
        aliases: those that the version holds.
        leads: it speaks for its adapter: the champion, or else the newest of those judged. What
            is true of the recipe and not of one version is said once, about this one.
        passed: a candidate of the same adapter on another base that passed its parity gate.
        data_removed: an event says that its training data were deleted.
    """

    record: VersionRecord
    recipe: Recipe
    status: Status
    aliases: list[str]
    leads: bool = True
    passed: int | None = None
    data_removed: bool = False

    @property
    def adapter(self) -> str:
        """The adapter's name."""
        return self.record.adapter

    @property
    def name(self) -> str:
        """``NAME@VERSION``, as commands take it."""
        return f"{self.record.adapter}@{self.record.version}"

    @property
    def base(self) -> str:
        """The base it was built on."""
        return self.record.base.base

    @property
    def owners(self) -> list[str]:
        """The team that owns the adapter, then the one that covers for it."""
        return owners_of(self.recipe)

    @property
    def consumers(self) -> list[str]:
        """Who must hear of it when the adapter changes."""
        return sorted({who for place in self.recipe.serving for who in place.consumers})

    @property
    def grade(self) -> Grade:
        """Whether it could be rebuilt."""
        return grade(self.record, self.recipe, data_removed=self.data_removed)


class Listed(Noun, frozen=True, kw_only=True):
    """A line of ``list``; ``rebuilt_from`` is the version that this one replaces."""

    adapter: str
    version: int
    owners: list[str]
    base: str
    task: Task
    grade: Letter
    rebuild_by: date | None
    slack_days: int | None
    aliases: list[str]
    rebuilt_from: int | None


class Shown(Noun, frozen=True, kw_only=True):
    """The answer of ``show``: the record as it is, and how it stands today."""

    adapter: str
    version: int
    aliases: list[str]
    owners: list[str]
    grade: Letter
    gaps: list[Gap]
    ends: date | None
    rebuild_by: date | None
    slack_days: int | None
    record: VersionRecord


def owners_of(recipe: Recipe) -> list[str]:
    """Returns the owning team, then its backup; those that are not named are left out."""
    named = (recipe.owners.team, recipe.owners.backup)
    return list(dict.fromkeys(team for team in named if team))


def listed(standing: Standing) -> Listed:
    """Returns the line of ``list`` for one version."""
    record, rebuilt = standing.record, standing.record.rebuilt_from
    return Listed(
        adapter=record.adapter,
        version=record.version,
        owners=standing.owners,
        base=standing.base,
        task=record.recipe.task,
        grade=standing.grade.letter,
        rebuild_by=standing.status.rebuild_by,
        slack_days=standing.status.slack_days,
        aliases=standing.aliases,
        rebuilt_from=rebuilt.version if rebuilt else None,
    )


def shown(standing: Standing) -> Shown:
    """Returns the answer of ``show`` for one version."""
    record, status = standing.record, standing.status
    return Shown(
        adapter=record.adapter,
        version=record.version,
        aliases=standing.aliases,
        owners=standing.owners,
        grade=standing.grade.letter,
        gaps=standing.grade.gaps,
        ends=day_of(status.ends) if status.ends else None,
        rebuild_by=status.rebuild_by,
        slack_days=status.slack_days,
        record=record,
    )
