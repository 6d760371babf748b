"""Fine-tunes that live at a provider: what a list says of them, their names and their grades."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import structs

from adapterctl.records.adopted import AdoptedVersion
from adapterctl.records.noun import Name, Noun
from adapterctl.records.recipe import Owners, Serving
from adapterctl.rules.adoption.adapter_names import valid
from adapterctl.rules.grades import Gap, Grade, Letter


class HostedEntry(Noun, frozen=True, kw_only=True):
    """What is said of one fine-tune; all but provider, model and base may be left out.

    Attributes:
        provider: as lifecycle dates and recipes call it: ``openai``, ``bedrock``, ``vertex``.
        model: the fine-tuned model's id there.
        base: the provider's name of the base it was tuned from.
        job: the id of the fine-tuning job.
        name: what the adapter is called here.
        data: its training data, a path in the project; or a word for them, as a provider's file id.
        recipe: what would rebuild it on open weights, relative to the list.
        team: who owns it; ``backup`` covers for them.
        region: where it is served.
        created: when it was made, as the provider says.
    """

    provider: Name
    model: str
    base: str
    job: str | None = None
    name: Name | None = None
    data: str | None = None
    recipe: str | None = None
    team: str | None = None
    backup: str | None = None
    region: str | None = None
    created: str | None = None


_OPENAI = re.compile(r"ft:[^:]+:[^:]*:(?P<suffix>[^:]+):[^:]+")


def name_of(entry: HostedEntry) -> str:
    """Returns a valid adapter name: as given, or after the fine-tuned model's id.

    ``ft:gpt-4o-mini:acme:support-router:Ab12`` is ``support-router``; of a path or an ARN the last
    part names it.
    """
    if entry.name is not None:
        return entry.name
    if found := _OPENAI.fullmatch(entry.model):
        return valid(found["suffix"])
    arn = entry.model.startswith("arn:")
    return valid(entry.model.rpartition(":" if arn else "/")[2].replace("/", "-"))


def is_path(data: str) -> bool:
    """Whether a word for data names a file of the project, not what a provider or bucket holds."""
    return "://" not in data and ("/" in data or "." in data)


def says_nothing_new(draft: AdoptedVersion, record: AdoptedVersion) -> bool:
    """Whether a version already says all that is said now; what is left out says nothing."""
    now, then = (_said(one) for one in (draft, record))
    return all(value in (None, then[key]) for key, value in now.items())


def _said(record: AdoptedVersion) -> dict[str, object]:
    owners, job = record.owners, record.hosted
    said = {"base": record.base, "train": record.train, "team": owners.team}
    return {**said, "backup": owners.backup, **(structs.asdict(job) if job else {})}


def serving_of(record: AdoptedVersion, *, consumers: list[str]) -> list[Serving]:
    """Returns where a hosted fine-tune is served: at its provider, and nowhere else."""
    job = record.hosted
    if job is None:
        return []
    return [Serving(provider=job.provider, region=job.region, consumers=consumers)]


def grade_hosted(record: AdoptedVersion, owners: Owners, *, data_removed: bool = False) -> Grade:
    """Returns the grade: whether data and recipe would rebuild it on open weights.

    D without data: nothing is left of it when the provider ends it. C without a recipe.
    """
    letters: tuple[tuple[Letter, Iterator[Gap]], ...] = (
        ("D", _without_data(record, data_removed=data_removed)),
        ("C", _without_recipe(record)),
        ("B", without_owners(owners)),
    )
    gaps = {letter: [*found] for letter, found in letters}
    worst: Letter = next((letter for letter, found in gaps.items() if found), "A")
    return Grade(letter=worst, gaps=[gap for found in gaps.values() for gap in found])


def _without_data(record: AdoptedVersion, *, data_removed: bool) -> Iterator[Gap]:
    if data_removed:
        yield Gap(code="DATA001", what="its training data were removed")
    elif record.train is None:
        stated = record.hosted.data if record.hosted else None
        known = f"stated, and not pinned: {stated}" if stated else "not recorded"
        what = f"its training data are {known}; without them nothing rebuilds it on open weights"
        yield Gap(code="DATA001", what=what)


def _without_recipe(record: AdoptedVersion) -> Iterator[Gap]:
    if record.hosted is None or record.hosted.recipe is None:
        yield Gap(code="CODE001", what="no recipe says how to rebuild it on open weights")


def without_owners(owners: Owners) -> Iterator[Gap]:
    """Yields what is missing of the people who answer for an adopted version."""
    if owners.team is None:
        yield Gap(code="OWN001", what="no owner")
    elif owners.backup is None:
        yield Gap(code="OWN001", what="no backup owner")
