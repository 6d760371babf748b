"""How the bases in use end: every clock of each, and who is on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from adapterctl.records.base import Base
from adapterctl.records.lifecycle import Observation
from adapterctl.records.noun import Noun
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.lifecycle.dates import clock_of, day_of, is_end, is_firm, is_over
from adapterctl.rules.lifecycle.tuned import is_tuned
from adapterctl.rules.standing import Standing

Reach = Literal["over", "late", "ahead", "later", "not_before"]
"""How near an end is: there, its rebuild-by past, within the horizon, beyond it; or no promise."""


class Clock(Noun, frozen=True, kw_only=True):
    """One end of a base, for the adapters that it hits.

    Attributes:
        seen: what its clock stands at.
        rebuild_by: of the adapter that needs longest; ``None`` where only a not-before is known,
            and of the end of tuning, after which an adapter is still served.
        hits: names of the adapters.
    """

    seen: Observation
    day: date
    reach: Reach
    rebuild_by: date | None
    hits: list[str]

    @property
    def tuned(self) -> bool:
        """It is the end of a provider's fine-tunes, not of the base itself."""
        return is_tuned(self.seen)


class BaseEnds(Noun, frozen=True, kw_only=True):
    """A base in use and its ends, the earliest firm one first.

    Attributes:
        declared: ``None`` for a base that an adopted version only states.
        owners: owning team to the number of its adapters on the base.
        dark: adapters of which neither service nor weights have a known end.
    """

    base: str
    declared: Base | None
    clocks: list[Clock]
    adapters: list[str]
    owners: dict[str, int]
    dark: list[str]

    @property
    def successors(self) -> list[str]:
        """Who is named to replace it, by dates first, then by its own file."""
        stated = [clock.seen.successor for clock in self.clocks]
        named = [*stated, *(self.declared.successors if self.declared else [])]
        return list(dict.fromkeys(name for name in named if name))


def base_ends(
    standings: Iterable[Standing], bases: Mapping[str, Base], frame: Frame
) -> list[BaseEnds]:
    """Returns the bases that ``standings`` are built on, those that end first at the top.

    Promises come before not-before dates, and bases of which no end is known last.
    """
    on: dict[str, list[Standing]] = {}
    for standing in standings:
        on.setdefault(standing.base, []).append(standing)
    ends = [_ends(name, bases.get(name), each, frame=frame) for name, each in on.items()]
    return sorted(ends, key=_order)


def _order(ends: BaseEnds) -> tuple[int, date, str]:
    first = next((clock for clock in ends.clocks if is_end(clock.seen)), None)
    if first is None:
        return 2, date.max, ends.base
    return int(first.reach == "not_before"), first.day, ends.base


def _ends(
    name: str, declared: Base | None, standings: Sequence[Standing], *, frame: Frame
) -> BaseEnds:
    owners: dict[str, str] = {}
    for standing in standings:
        owners[standing.adapter] = next(iter(standing.owners), "")
    counted = dict.fromkeys(sorted(owners.values()), 0)
    for team in owners.values():
        counted[team] += 1
    return BaseEnds(
        base=name,
        declared=declared,
        clocks=_clocks(standings, frame),
        adapters=sorted(owners),
        owners=counted,
        dark=sorted({one.adapter for one in standings if _is_dark(one)}),
    )


def _is_dark(standing: Standing) -> bool:
    status = standing.status
    return bool(status.dark) or not any(map(is_end, status.clocks))


def _clocks(standings: Iterable[Standing], frame: Frame) -> list[Clock]:
    hit: dict[tuple[str | None, ...], list[Standing]] = {}
    seen: dict[tuple[str | None, ...], Observation] = {}
    for standing in standings:
        for clock in standing.status.clocks:
            reading = (*clock_of(clock), clock.key)
            seen[reading] = clock
            hit.setdefault(reading, []).append(standing)
    clocks = [_clock(seen[reading], each, frame=frame) for reading, each in hit.items()]
    return sorted(clocks, key=_nearest)


def _nearest(clock: Clock) -> tuple[bool, bool, date, str]:
    """The end of service or weights comes first: tuning that closes ends nothing by itself."""
    return clock.reach == "not_before", not is_end(clock.seen), clock.day, clock.seen.key


def _clock(seen: Observation, hit: Sequence[Standing], *, frame: Frame) -> Clock:
    day = day_of(seen)
    lead = max(standing.status.lead_days for standing in hit)
    rebuild_by = day - timedelta(days=lead) if is_firm(seen) and is_end(seen) else None
    return Clock(
        seen=seen,
        day=day,
        reach=_reach(seen, rebuild_by, frame=frame),
        rebuild_by=rebuild_by,
        hits=sorted({standing.adapter for standing in hit}),
    )


def _reach(seen: Observation, rebuild_by: date | None, *, frame: Frame) -> Reach:
    if not is_firm(seen):
        return "not_before"
    if is_over(seen, frame.today):
        return "over"
    if rebuild_by is not None and rebuild_by < frame.today:
        return "late"
    return "ahead" if day_of(seen) <= frame.until else "later"
