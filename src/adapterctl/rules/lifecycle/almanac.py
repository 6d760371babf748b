"""How long a base lives for an adapter: three separate clocks, read on one day.

A promise (``shutdown``) and an earliest day (``not_before``) are never mixed: only a promise
gives a rebuild-by and a slack. The end of tuning gives neither: an adapter goes on being served
after it (``docs/adr/0013``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from msgspec import structs

from adapterctl.records.base import Base
from adapterctl.records.lifecycle import Naming, Observation
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Serving
from adapterctl.rules.lifecycle.dates import (
    Change,
    clocks,
    day_of,
    histories,
    is_end,
    is_firm,
    last_change,
    standing,
)
from adapterctl.rules.lifecycle.exposure import Place, Use, applying, counting, dark, superseded
from adapterctl.rules.lifecycle.tuned import base_name
from adapterctl.rules.names.joins import Join, Joins, Subject
from adapterctl.rules.names.renames import Renames

T = TypeVar("T")

BY_HAND = "manual:"
"""How the keys of dates begin that a person stated."""


class Status(Noun, frozen=True, kw_only=True):
    """What is known on one day of how long an adapter's base lives.

    Attributes:
        clocks: for each phase, provider and region the earliest firm date, or else the earliest
            not-before.
        ends: the clock of service or weights with the earliest firm date.
        rebuild_by: that date minus the lead time.
        slack_days: ``rebuild_by`` minus the day it is read on.
        use: how the adapter is served and rebuilt, which decides what hits it.
        dark: the places of which no end is known.
        superseded: the base's own dates in whose stead dates of its hosted fine-tunes count.
    """

    clocks: list[Observation]
    lead_days: int
    ends: Observation | None = None
    rebuild_by: date | None = None
    slack_days: int | None = None
    use: Use = Use()
    dark: list[Place] = []
    superseded: list[Observation] = []


class Almanac:
    """Every observation, looked up by base, whatever name it uses for the base."""

    def __init__(
        self,
        observations: Iterable[Observation],
        bases: Mapping[str, Base],
        *,
        namings: Iterable[Naming] = (),
    ) -> None:
        self.bases = bases
        self.renames = Renames(namings)
        self._found: dict[Hashable, Any] = {}
        self._following: dict[Hashable, tuple[Status, Any]] = {}
        self._by_subject: dict[Subject, list[Observation]] = {}
        self._changes: dict[Subject, list[Change]] = {}
        for history in histories(observations).values():
            seen = standing(history)
            if seen is not None:
                self._by_subject.setdefault(subject_of(seen), []).append(seen)
            change = last_change(history)
            if change is not None:
                self._changes.setdefault(subject_of(change.before), []).append(change)

    def about(self, base: str) -> list[Observation]:
        """Returns what is known about a base under any of its names."""
        return self.once(
            ("about", base),
            lambda: [
                seen
                for join in self.found_under(base)
                for seen in self._by_subject.get(join.subject, [])
            ],
        )

    def changes(self, base: str) -> list[Change]:
        """Returns the last change of each date about a base that moved or was withdrawn."""
        return self.once(
            ("changed", base),
            lambda: [
                change
                for join in self.found_under(base)
                for change in self._changes.get(join.subject, [])
            ],
        )

    def found_under(self, base: str) -> list[Join]:
        """Returns the names under which dates of a base were found, and by which rule each.

        A base that is not declared is looked up by the name that an adapter states.
        """
        return self.once(("joins", base), lambda: self._joined(base))

    def _joined(self, base: str) -> list[Join]:
        known = self.bases.get(base)
        joins = self.once("joins", self._joins)
        return joins.of_base(known) if known else joins.of_stated(base)

    def _joins(self) -> Joins:
        return Joins([*self._by_subject, *self._changes], self.renames)

    def stated_successors(self) -> set[Subject]:
        """Returns the names by which dates say what replaces something, and where."""
        known = (seen for found in self._by_subject.values() for seen in found)
        return {Subject(seen.successor, seen.provider) for seen in known if seen.successor}

    def places(self, base: str, serving: Sequence[Serving]) -> list[Serving]:
        """Returns where an adapter is served: as its recipe says, or else where its base lives."""
        known = self.bases.get(base)
        if serving or known is None or known.source.provider is None:
            return list(serving)
        return [Serving(provider=known.source.provider, region=known.source.region)]

    def use(self, base: str, serving: Sequence[Serving], *, hosted: bool = False) -> Use:
        """Returns how adapters on a base are served and rebuilt.

        Args:
            base: what they are built on.
            serving: where their recipes say that they are served.
            hosted: they are fine-tunes that live at a provider; those of a base that only a
                provider has always are.
        """
        known = self.bases.get(base)
        there = self.places(base, serving)
        places = dict.fromkeys(Place(place.provider, place.region) for place in there)
        return Use(
            tuple(places), hosted or (known is not None and known.source.provider is not None)
        )

    def status_on(
        self,
        today: date,
        *,
        base: str,
        serving: Sequence[Serving],
        lead_days: int,
        hosted: bool = False,
    ) -> Status:
        """Returns what hits an adapter that is built on ``base`` and served at ``serving``."""
        there = [(place.provider, place.region) for place in serving]
        key = (today, base, lead_days, hosted, *there)
        found: Status | None = self._found.get(key)
        if found is None:
            use = self.use(base, serving, hosted=hosted)
            found = self._found[key] = self.status_in(
                today, base=base, use=use, lead_days=lead_days
            )
        return found

    def status_in(self, today: date, *, base: str, use: Use, lead_days: int) -> Status:
        """Returns what hits an adapter that is built on ``base`` and used as ``use`` says."""
        return self.once(
            ("status", base, use, lead_days, today),
            lambda: structs.replace(
                status_on(self.hitting(base, use), lead_days=lead_days, today=today),
                use=use,
                dark=dark(self.hitting(base, use), use),
                superseded=clocks(superseded(self.about(base), use)),
            ),
        )

    def hitting(self, base: str, use: Use) -> list[Observation]:
        """Returns every observation that hits an adapter on ``base`` in this use."""
        return self.once(("hitting", base, use), lambda: applying(self.about(base), use))

    def changes_that_hit(self, base: str, use: Use) -> list[Change]:
        """Returns the changes of dates that apply, or applied, to adapters in this use."""
        return self.once(
            ("changes", base, use),
            lambda: [
                change for change in self.changes(base) if counting(change, self.about(base), use)
            ],
        )

    def once(self, key: Hashable, find: Callable[[], T]) -> T:
        """Returns what was found under ``key`` before, or finds it: the ledger stays as it is."""
        try:
            found: T = self._found[key]
        except KeyError:
            found = self._found[key] = find()
        return found

    def following(self, status: Status, what: Hashable, find: Callable[[], T]) -> T:
        """Returns what follows from a status, found once for all adapters that it is true of.

        ``what`` names all else that it follows from. The status is kept with it, so that no other
        can take its place in memory.
        """
        key = (id(status), what)
        try:
            found: T = self._following[key][1]
        except KeyError:
            found = find()
            self._following[key] = status, found
        return found


def subject_of(seen: Observation) -> Subject:
    """Returns whom a date is about, as it says: the base of the fine-tunes, if it is of these."""
    return Subject(base_name(seen), seen.provider, by_hand=seen.key.startswith(BY_HAND))


def status_on(observations: Iterable[Observation], *, lead_days: int, today: date) -> Status:
    """Returns rebuild-by and slack under the observations that hit an adapter."""
    stand = clocks(observations)
    ends = next((clock for clock in stand if is_end(clock) and is_firm(clock)), None)
    if ends is None:
        return Status(clocks=stand, lead_days=lead_days)
    rebuild_by = day_of(ends) - timedelta(days=lead_days)
    return Status(
        clocks=stand,
        lead_days=lead_days,
        ends=ends,
        rebuild_by=rebuild_by,
        slack_days=(rebuild_by - today).days,
    )
