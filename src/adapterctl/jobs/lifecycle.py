"""Lifecycle dates from a person: recorded in a ledger that is only added to, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from adapterctl.errors import InvalidInput
from adapterctl.jobs.project import Project
from adapterctl.records.lifecycle import Kind, Observation, Phase
from adapterctl.rules.lifecycle.almanac import subject_of
from adapterctl.rules.lifecycle.ledger import Added, Sighting, record_of, sightings
from adapterctl.rules.lifecycle.tuned import PREFIX
from adapterctl.rules.redaction import without_credentials

FEED = "manual"


@dataclass(frozen=True, kw_only=True)
class Dates:
    """The dates of one statement; a promise and an earliest day become two observations.

    Attributes:
        tuned: they are of fine-tunes of the base that live at the provider, not the base's own.
    """

    phase: Phase
    source: str
    shutdown: date | None = None
    not_before: date | None = None
    successor: str | None = None
    provider: str | None = None
    region: str | None = None
    tuned: bool = False

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
    ledger = project.registry.observations()
    found = {each.subject: each.how for each in project.almanac({base: known}).found_under(base)}
    about = [seen for seen in ledger if subject_of(seen) in found]
    how = {seen.key: found[subject_of(seen)] for seen in about}
    return sightings(about, today=project.today, found=how)


def _must_agree(base: str, dates: Dates) -> None:
    if dates.shutdown and dates.not_before and dates.not_before > dates.shutdown:
        raise InvalidInput.one(
            f"not before {dates.not_before}, and yet a shutdown on {dates.shutdown}",
            hint="the earliest day cannot lie after the promised one",
        )
    if dates.tuned and dates.phase != "serving":
        raise InvalidInput.one(
            f"{dates.phase} of fine-tunes is no date of theirs: they are only served",
            hint="--tuned goes with --phase serving",
        )
    if dates.successor == base:
        raise InvalidInput.one(f"{base!r} cannot succeed itself", hint="name another base")


def _observation(
    project: Project, base: str, dates: Dates, *, kind: Kind, day: date
) -> Observation:
    subject = f"{PREFIX}{base}" if dates.tuned else base
    key: Sequence[str] = (
        FEED,
        subject,
        dates.phase,
        kind,
        dates.provider or "*",
        dates.region or "*",
    )
    return Observation(
        subject=subject,
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
