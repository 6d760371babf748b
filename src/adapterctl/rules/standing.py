"""How one adapter version stands today: its record, its people, and the time its base has left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapterctl.records.adopted import AnyRecord
from adapterctl.records.base import Base
from adapterctl.records.glance import Build, Choice
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Owners, Recipe, Serving
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.adopted import NO_BASE, grade_adopted
from adapterctl.rules.adoption.hosted import serving_of
from adapterctl.rules.grades import Gap, Grade, Letter, graded
from adapterctl.rules.lifecycle.almanac import Status
from adapterctl.rules.lifecycle.dates import day_of


class Standing(Noun, frozen=True, kw_only=True):
    """One adapter version on one day.

    Attributes:
        name: ``NAME@VERSION``, as commands take it.
        build: how it was built, or adopted.
        choice: what its recipe says today; as used where today's is missing or broken; ``None``
            for an adopted version that nobody has written a recipe for.
        base: the base it was built on; of an adopted version, what it says of it.
        meant: of an adopted version, the declared base that its stated one is.
        people: who answers for the adapter today.
        serving: where it is served: at its provider when it is hosted, else as its recipe says.
        owners: the team that owns the adapter, then the one that covers for it.
        consumers: who must hear of it when the adapter changes.
        aliases: those that the version holds.
        leads: it speaks for its adapter: see `rules.aliases.serving`. What is true of the recipe
            and not of one version is said once, about this one.
        passed: a candidate of the same adapter on another base that passed its parity gate.
        evaluated_at: when it was last evaluated, after its registration.
        reproduced_at: when it last was reproduced, and was.
        data_removed: an event says that its training data were deleted.
    """

    adapter: str
    version: int
    name: str
    build: Build
    choice: Choice | None
    base: str
    meant: Base | None
    people: Owners
    serving: list[Serving]
    owners: list[str]
    consumers: list[str]
    status: Status
    aliases: list[str]
    leads: bool = True
    passed: int | None = None
    data_removed: bool = False
    evaluated_at: str | None = None
    reproduced_at: str | None = None

    @property
    def grade(self) -> Grade:
        """Whether it could be rebuilt."""
        record, removed = self.build.adopted, self.data_removed
        if record is not None:
            return grade_adopted(record, self.meant, self.people, data_removed=removed)
        lacking = ((each.letter, Gap(code=each.code, what=each.what)) for each in self.build.lacks)
        return graded(lacking, self.people, data_removed=removed)


def stand(
    adapter: str,
    build: Build,
    *,
    choice: Choice | None,
    status: Status,
    aliases: list[str],
    meant: Base | None = None,
    leads: bool = True,
    passed: int | None = None,
    data_removed: bool = False,
    evaluated_at: str | None = None,
    reproduced_at: str | None = None,
) -> Standing:
    """Returns how a version stands; the arguments are the attributes of `Standing`."""
    people, serving = people_of(build, choice), served(build, choice)
    return Standing(
        adapter=adapter,
        version=build.version,
        name=f"{adapter}@{build.version}",
        build=build,
        choice=choice,
        base=build.base if build.adopted is None else base_of(build.adopted, meant),
        meant=meant,
        people=people,
        serving=serving,
        owners=teams_of(people),
        consumers=consumers_of(serving),
        status=status,
        aliases=aliases,
        leads=leads,
        passed=passed,
        data_removed=data_removed,
        evaluated_at=evaluated_at,
        reproduced_at=reproduced_at,
    )


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


def people_of(build: Build, choice: Choice | None) -> Owners:
    """Returns who answers for a version; see `Standing.people`."""
    if choice is not None:
        return choice.owners
    return build.adopted.owners if build.adopted else Owners()


def task_of(record: AnyRecord) -> str | None:
    """Returns the task that a version was built for, or says that it was."""
    return record.recipe.task if isinstance(record, VersionRecord) else record.task


def served(build: Build, choice: Choice | None) -> list[Serving]:
    """Returns where a version is served; see `Standing.serving`."""
    stated = choice.serving if choice else []
    if build.adopted is not None and build.adopted.hosted is not None:
        return serving_of(build.adopted, consumers=consumers_of(stated))
    return stated


def consumers_of(serving: Sequence[Serving]) -> list[str]:
    """Returns who is served at any of the places, sorted."""
    if len(serving) == 1 and len(serving[0].consumers) < 2:
        return serving[0].consumers
    return sorted({who for place in serving for who in place.consumers})


def owners_of(recipe: Recipe) -> list[str]:
    """Returns the owning team, then its backup; those that are not named are left out."""
    return teams_of(recipe.owners)


def teams_of(owners: Owners) -> list[str]:
    """Returns the teams that are named, the owning one first."""
    one, other = owners.team, owners.backup
    if one and other and one != other:
        return [one, other]
    return [one or other or ""] if one or other else []


def listed(standing: Standing) -> Listed:
    """Returns the line of ``list`` for one version."""
    rebuilt = standing.build.rebuilt
    return Listed(
        adapter=standing.adapter,
        version=standing.version,
        owners=standing.owners,
        base=standing.base,
        task=standing.build.task,
        grade=standing.grade.letter,
        rebuild_by=standing.status.rebuild_by,
        slack_days=standing.status.slack_days,
        aliases=standing.aliases,
        rebuilt_from=rebuilt.version if rebuilt else None,
    )


def shown(standing: Standing, record: AnyRecord) -> Shown:
    """Returns the answer of ``show`` for one version."""
    status, found = standing.status, standing.grade
    return Shown(
        adapter=standing.adapter,
        version=standing.version,
        aliases=standing.aliases,
        owners=standing.owners,
        grade=found.letter,
        gaps=found.gaps,
        ends=day_of(status.ends) if status.ends else None,
        rebuild_by=status.rebuild_by,
        slack_days=status.slack_days,
        record=record,
    )
