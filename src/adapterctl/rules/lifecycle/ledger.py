"""What a new statement adds to the ledger of dates, and what the ledger says of a base."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

from msgspec.structs import replace

from adapterctl.records.lifecycle import Kind, Observation, Phase
from adapterctl.records.noun import Noun
from adapterctl.rules.lifecycle.dates import Change, clocks, day_of, histories, last_dated, standing
from adapterctl.rules.lifecycle.tuned import is_tuned
from adapterctl.rules.names.meanings import How

Outcome = Literal["recorded", "moved", "restated", "unchanged"]


UNDATED = "listed without a date"
"""Note of a tombstone whose record is still there."""


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
    """An observation beside what it superseded, oldest first.

    Attributes:
        date: ``None`` when its feed withdrew it before it came.
        days: the days until its date.
        gone_on: the day since when its feed lists it no longer.
        feed: who says so.
        found: by which rule ``subject`` is a name of the base (`rules.names`).
        tuned: it is about fine-tunes of the base that live at the provider, not about the base.
        counts: its clock stands at it; other sightings of the clock are later, or no promises.
    """

    subject: str
    phase: Phase
    kind: Kind
    date: str | None
    days: int | None
    feed: str
    counts: bool
    provider: str | None
    region: str | None
    successor: str | None
    source: str
    seen_on: str
    gone_on: str | None
    key: str
    earlier: list[Earlier]
    found: How = "exact"
    tuned: bool = False


def record_of(observation: Observation, ledger: Iterable[Observation]) -> Recorded:
    """Returns what becomes of a statement, given all lines before it."""
    return beside(observation, histories(ledger).get(observation.key, []))


def beside(observation: Observation, history: Sequence[Observation]) -> Recorded:
    """Returns what becomes of a statement, given the lines of its key, the latest last."""
    known = last_dated(history)
    if known is None:
        return Recorded(outcome="recorded", observation=observation)
    returned = history[-1].date is None
    return Recorded(
        outcome=_outcome(known, observation, returned=returned),
        observation=observation,
        before=known.date,
    )


def _outcome(known: Observation, observation: Observation, *, returned: bool) -> Outcome:
    if (known.date, known.kind) != (observation.date, observation.kind):
        return "moved"
    return "restated" if returned or _facts(known) != _facts(observation) else "unchanged"


def _facts(seen: Observation) -> tuple[str | None, ...]:
    """What is said beside the date; a record's digest may change for other reasons."""
    said = (seen.source, seen.successor, seen.note)
    return (*said, seen.subject, seen.phase, seen.provider, seen.region)


def sightings(
    ledger: Iterable[Observation], *, today: date, found: Mapping[str, How] | None = None
) -> list[Sighting]:
    """Returns what each key of the ledger says now, by date; what was withdrawn comes last.

    Args:
        ledger: lines about one base.
        today: the day that days are counted from.
        found: key to the rule by which its subject is the base's name.
    """
    known = [lines for lines in histories(ledger).values() if last_dated(lines)]
    stands = {clock.key for clock in clocks(filter(None, map(standing, known)))}
    each = (_sighting(lines, today, counts=lines[-1].key in stands) for lines in known)
    by = found or {}
    said = (replace(one, found=by.get(one.key, "exact")) for one in each)
    return sorted(said, key=lambda one: (one.date is None, one.date or "", one.key))


def _sighting(lines: Sequence[Observation], today: date, *, counts: bool) -> Sighting:
    last = lines[-1]
    dated = standing(lines)
    said = dated or last_dated(lines) or last
    past = [line for line in lines if line is not dated and (line is not last or dated is last)]
    return Sighting(
        subject=said.subject,
        phase=said.phase,
        kind=said.kind,
        date=day_of(dated).isoformat() if dated else None,
        days=(day_of(dated) - today).days if dated else None,
        feed=feed_of(last),
        counts=counts,
        provider=said.provider,
        region=said.region,
        successor=said.successor,
        source=said.source,
        seen_on=said.seen_on,
        gone_on=last.seen_on if last.date is None else None,
        key=last.key,
        tuned=is_tuned(said),
        earlier=[Earlier(date=p.date, seen_on=p.seen_on, source=p.source) for p in past],
    )


def feed_of(observation: Observation) -> str:
    """Returns which feed an observation is of: its key begins with it."""
    return observation.key.partition(":")[0]


class Disagreement(Noun, frozen=True, kw_only=True):
    """Sightings of one clock that do not give one day; the first counts."""

    phase: Phase
    provider: str | None
    region: str | None
    tuned: bool
    sightings: list[Sighting]


def disagreements(found: Iterable[Sighting]) -> list[Disagreement]:
    """Returns the clocks on which sightings that are not withdrawn differ."""
    groups: dict[tuple[Phase, str | None, str | None, bool], list[Sighting]] = {}
    for one in found:
        if one.date is not None:
            clock = (one.phase, one.provider, one.region, one.tuned)
            groups.setdefault(clock, []).append(one)
    return [
        Disagreement(
            phase=phase,
            provider=provider,
            region=region,
            tuned=tuned,
            sightings=_counting_first(each),
        )
        for (phase, provider, region, tuned), each in groups.items()
        if len({(one.date, one.kind) for one in each}) > 1
    ]


def _counting_first(found: Sequence[Sighting]) -> list[Sighting]:
    return sorted(found, key=lambda one: not one.counts)


class Intake(Noun, frozen=True, kw_only=True):
    """What a snapshot adds to its feed's ledger.

    Attributes:
        seen: what became of each dated row, in the order of the file.
        vanished: dates that the feed listed before and lists no longer; ``now`` is a tombstone.
    """

    seen: list[Recorded]
    vanished: list[Change]

    @property
    def lines(self) -> list[Observation]:
        """The new lines of the ledger."""
        new = [one.observation for one in self.seen if one.outcome != "unchanged"]
        return [*new, *(change.now for change in self.vanished)]

    def count(self, *outcomes: Outcome) -> int:
        """Returns how many rows came out as one of ``outcomes``."""
        return sum(one.outcome in outcomes for one in self.seen)


def intake(
    dated: Sequence[Observation],
    ledger: Iterable[Observation],
    *,
    named: Collection[str],
    kept: Iterable[str],
    covers: tuple[str, ...],
    seen_on: date,
) -> Intake:
    """Returns what a snapshot adds, given all lines of its feed before it.

    Args:
        dated: an observation per dated row.
        ledger: the feed's lines, none of them seen later.
        named: keys of all rows, dated or not.
        kept: keys of rows whose date could not be taken: what was known of them stays.
        covers: how the keys begin of which the snapshot lists all.
        seen_on: the day of the snapshot.
    """
    known = histories(ledger)
    listed = {one.key for one in dated}.union(kept)
    gone = [
        lines[-1]
        for key, lines in known.items()
        if lines[-1].date is not None and key not in listed and key.startswith(covers)
    ]
    return Intake(
        seen=[beside(one, known.get(one.key, [])) for one in dated],
        vanished=[
            Change(one, _tombstone(one, seen_on, note=UNDATED if one.key in named else None))
            for one in gone
        ],
    )


def _tombstone(known: Observation, seen_on: date, *, note: str | None) -> Observation:
    """The feed no longer lists what it once did: that is said, and no date is lost."""
    return replace(known, date=None, seen_on=seen_on.isoformat(), digest=None, note=note)
