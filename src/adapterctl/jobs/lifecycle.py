"""Lifecycle dates from a person: recorded in a ledger that is only added to, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from adapterctl.errors import InvalidInput
from adapterctl.jobs.project import Project
from adapterctl.records.lifecycle import Kind, Observation, Phase
from adapterctl.rules.ledger import Added, Sighting, record_of, sightings
from adapterctl.rules.lifecycle import names_of
from adapterctl.rules.redaction import without_credentials

FEED = "manual"


@dataclass(frozen=True, kw_only=True)
class Dates:
    """The dates of one statement; a promise and an earliest day become two observations."""

    phase: Phase
    source: str
    shutdown: date | None = None
    not_before: date | None = None
    successor: str | None = None
    provider: str | None = None
    region: str | None = None

    def by_kind(self) -> Iterator[tuple[Kind, date]]:
        """Yields the kinds that a date was given for."""
        if self.shutdown is not None:
            yield "shutdown", self.shutdown
        if self.not_before is not None:
            yield "not_before", self.not_before


def add(project: Project, base: str, dates: Dates) -> Added:
    """Records dates about a known base; the same again changes nothing.

    Raises:
        AdapterctlError: the base is not known, or the dates contradict each other.
    """
    project.registry.base(base)
    _must_agree(base, dates)
    before = project.registry.observations()
    recorded = [
        record_of(_observation(project, base, dates, kind=kind, day=day), before)
        for kind, day in dates.by_kind()
    ]
    new = [one.observation for one in recorded if one.outcome != "unchanged"]
    path = project.registry.append_observations(FEED, *new) if new else None
    known = dates.successor in {None, *project.registry.bases()}
    return Added(
        recorded=recorded,
        stated=None if known else dates.successor,
        ledger=path.relative_to(project.root).as_posix() if path else None,
    )


def show(project: Project, base: str) -> list[Sighting]:
    """Returns what is known of a base under any of its names, the earliest date first."""
    known = project.registry.base(base)
    names = set(names_of(known))
    about = [seen for seen in project.registry.observations() if seen.subject in names]
    return sightings(about, today=project.today)


def _must_agree(base: str, dates: Dates) -> None:
    if dates.shutdown and dates.not_before and dates.not_before > dates.shutdown:
        raise InvalidInput.one(
            f"not before {dates.not_before}, and yet a shutdown on {dates.shutdown}",
            hint="the earliest day cannot lie after the promised one",
        )
    if dates.successor == base:
        raise InvalidInput.one(f"{base!r} cannot succeed itself", hint="name another base")


def _observation(
    project: Project, base: str, dates: Dates, *, kind: Kind, day: date
) -> Observation:
    key: Sequence[str] = (FEED, base, dates.phase, kind, dates.provider or "*", dates.region or "*")
    return Observation(
        subject=base,
        phase=dates.phase,
        kind=kind,
        date=day.isoformat(),
        source=without_credentials(dates.source),
        seen_on=project.today.isoformat(),
        key=":".join(key),
        provider=dates.provider,
        region=dates.region,
        successor=dates.successor,
    )
