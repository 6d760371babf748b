"""How one adapter version stands today: its record, its people, and the time its base has left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapterctl.records.adopted import AdoptedVersion, AnyRecord
from adapterctl.records.base import Base
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Owners, Recipe, Serving
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.adopted import NO_BASE, grade_adopted
from adapterctl.rules.adoption.hosted import serving_of
from adapterctl.rules.grades import Gap, Grade, Letter, grade
from adapterctl.rules.lifecycle import Status, day_of


class Standing(Noun, frozen=True, kw_only=True):
    """One adapter version on one day.

    Attributes:
        recipe: as it stands today; the record's own where today's is missing or broken; ``None``
            for an adopted version that nobody has written a recipe for.
        aliases: those that the version holds.
        leads: it speaks for its adapter: the champion, or else the newest of those judged. What
            is true of the recipe and not of one version is said once, about this one.
        passed: a candidate of the same adapter on another base that passed its parity gate.
        evaluated_at: when it was last evaluated, after its registration.
        reproduced_at: when it last was reproduced, and was.
        data_removed: an event says that its training data were deleted.
        meant: of an adopted version, the declared base that its stated one is.
    """

    record: AnyRecord
    recipe: Recipe | None
    status: Status
    aliases: list[str]
    leads: bool = True
    passed: int | None = None
    data_removed: bool = False
    evaluated_at: str | None = None
    reproduced_at: str | None = None
    meant: Base | None = None

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
        """The base it was built on; of an adopted version, what it says of it."""
        return base_of(self.record, self.meant)

    @property
    def people(self) -> Owners:
        """Who answers for the adapter today."""
        if self.recipe is None and isinstance(self.record, AdoptedVersion):
            return self.record.owners
        return self.recipe.owners if self.recipe else Owners()

    @property
    def serving(self) -> list[Serving]:
        """Where it is served: at its provider when it is hosted, else as far as a recipe says."""
        return served(self.record, self.recipe)

    @property
    def owners(self) -> list[str]:
        """The team that owns the adapter, then the one that covers for it."""
        return teams_of(self.people)

    @property
    def consumers(self) -> list[str]:
        """Who must hear of it when the adapter changes."""
        return consumers_of(self.serving)

    @property
    def grade(self) -> Grade:
        """Whether it could be rebuilt."""
        if isinstance(self.record, AdoptedVersion):
            return grade_adopted(
                self.record, self.meant, self.people, data_removed=self.data_removed
            )
        today = self.recipe or self.record.recipe
        return grade(self.record, today, data_removed=self.data_removed)


class Listed(Noun, frozen=True, kw_only=True):
    """A line of ``list``; ``rebuilt_from`` is the version that this one replaces.

    ``task`` is ``None`` for an adopted version that does not say its own.
    """

    adapter: str
    version: int
    owners: list[str]
    base: str
    task: str | None
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
    record: AnyRecord


def base_of(record: AnyRecord, meant: Base | None) -> str:
    """Returns the base of a version by name; see `Standing.base`."""
    if isinstance(record, VersionRecord):
        return record.base.base
    return meant.base if meant else record.base.canonical or record.base.stated or NO_BASE


def task_of(record: AnyRecord) -> str | None:
    """Returns the task that a version was built for, or says that it was."""
    return record.recipe.task if isinstance(record, VersionRecord) else record.task


def served(record: AnyRecord, recipe: Recipe | None) -> list[Serving]:
    """Returns where a version is served; see `Standing.serving`."""
    stated = recipe.serving if recipe else []
    if isinstance(record, AdoptedVersion) and record.hosted is not None:
        return serving_of(record, consumers=consumers_of(stated))
    return stated


def consumers_of(serving: Sequence[Serving]) -> list[str]:
    """Returns who is served at any of the places, sorted."""
    return sorted({who for place in serving for who in place.consumers})


def owners_of(recipe: Recipe) -> list[str]:
    """Returns the owning team, then its backup; those that are not named are left out."""
    return teams_of(recipe.owners)


def teams_of(owners: Owners) -> list[str]:
    """Returns the teams that are named, the owning one first."""
    named = (owners.team, owners.backup)
    return list(dict.fromkeys(team for team in named if team))


def listed(standing: Standing) -> Listed:
    """Returns the line of ``list`` for one version."""
    record = standing.record
    rebuilt = record.rebuilt_from if isinstance(record, VersionRecord) else None
    return Listed(
        adapter=record.adapter,
        version=record.version,
        owners=standing.owners,
        base=standing.base,
        task=task_of(record),
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
