"""What a new statement adds to the ledger of dates, and what the ledger says of a base."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal

from adapterctl.records.lifecycle import Kind, Observation, Phase
from adapterctl.records.noun import Noun
from adapterctl.rules.lifecycle import day_of

Outcome = Literal["recorded", "moved", "restated", "unchanged"]


class Recorded(Noun, frozen=True, kw_only=True):
    """One statement beside the one it supersedes.

    Attributes:
        outcome: ``recorded`` for a key not seen before, ``moved`` when its date differs,
            ``restated`` when only source or successor differ, ``unchanged`` for the same again.
        before: the date that was known, if any.
    """

    outcome: Outcome
    observation: Observation
    before: str | None = None


class Added(Noun, frozen=True, kw_only=True):
    """What became of the dates that were given.

    Attributes:
        stated: a successor that is no known base; it is kept as it was stated.
        ledger: the file with new lines, relative to the project; ``None`` when nothing is new.
    """

    recorded: list[Recorded]
    stated: str | None = None
    ledger: str | None = None


class Earlier(Noun, frozen=True, kw_only=True):
    """What a clock once stood at."""

    date: str | None
    seen_on: str
    source: str


class Sighting(Noun, frozen=True, kw_only=True):
    """A current observation, the days until its date, and what it superseded, oldest first."""

    subject: str
    phase: Phase
    kind: Kind
    date: str
    days: int
    provider: str | None
    region: str | None
    successor: str | None
    source: str
    seen_on: str
    key: str
    earlier: list[Earlier]


def record_of(observation: Observation, ledger: Iterable[Observation]) -> Recorded:
    """Returns what becomes of a statement, given all lines before it."""
    known = _lines(ledger, observation.key)
    latest = known[-1] if known else None
    if latest is None or latest.date is None:
        return Recorded(outcome="recorded", observation=observation)
    return Recorded(
        outcome=_outcome(latest, observation), observation=observation, before=latest.date
    )


def _outcome(latest: Observation, observation: Observation) -> Outcome:
    if latest.date != observation.date:
        return "moved"
    same = (latest.source, latest.successor) == (observation.source, observation.successor)
    return "unchanged" if same else "restated"


def sightings(
    current: Iterable[Observation], ledger: Sequence[Observation], *, today: date
) -> list[Sighting]:
    """Returns current observations with their past, by date."""
    return sorted(
        (_sighting(seen, ledger, today) for seen in current), key=lambda one: (one.date, one.key)
    )


def _sighting(seen: Observation, ledger: Sequence[Observation], today: date) -> Sighting:
    past = [line for line in _lines(ledger, seen.key) if line is not seen]
    return Sighting(
        subject=seen.subject,
        phase=seen.phase,
        kind=seen.kind,
        date=day_of(seen).isoformat(),
        days=(day_of(seen) - today).days,
        provider=seen.provider,
        region=seen.region,
        successor=seen.successor,
        source=seen.source,
        seen_on=seen.seen_on,
        key=seen.key,
        earlier=[Earlier(date=p.date, seen_on=p.seen_on, source=p.source) for p in past],
    )


def _lines(ledger: Iterable[Observation], key: str) -> list[Observation]:
    return sorted((line for line in ledger if line.key == key), key=lambda line: line.seen_on)
