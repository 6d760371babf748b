"""How far each adapter is on its way off a base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from adapterctl.records.event import Event
from adapterctl.records.noun import Noun
from adapterctl.records.policy import Waiver
from adapterctl.rules.aliases import tried
from adapterctl.rules.campaign.readiness import NotYet, Ready, readiness
from adapterctl.rules.findings import ENDINGS
from adapterctl.rules.lifecycle.dates import day
from adapterctl.rules.lifecycle.lead_times import PLANNED_ON
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.rules.standing import Standing

State = Literal["done", "running", "blocked", "waiting", "waived", "retired"]
ORDER: tuple[State, ...] = ("running", "blocked", "waiting", "waived", "done", "retired")
"""As an answer lists them."""

LEFT: tuple[State, ...] = ("running", "blocked", "waiting")
"""What still has to move."""


class Work(Noun, frozen=True, kw_only=True):
    """A rebuild that left a journal on this machine.

    Attributes:
        planned_on: the day of its plan.
        alive: its process holds it now.
        finished: its candidate is on file.
        step: the last one that was finished.
    """

    adapter: str
    version: int
    to: str
    planned_on: date
    alive: bool
    finished: bool
    step: str


class Move(Noun, frozen=True, kw_only=True):
    """One adapter of a campaign.

    Attributes:
        version: the one that serves, or served last.
        base: where that one stands.
        why: the state in words.
        mend: the next command; empty when nothing is to be done.
        begun: a rebuild was planned.
        waived_until: of one that is waived.
    """

    adapter: str
    version: int
    owners: list[str]
    base: str
    state: State
    rebuild_by: date | None = None
    slack_days: int | None = None
    candidate: int | None = None
    why: str
    mend: str = ""
    begun: bool = False
    waived_until: str | None = None


class Done(NamedTuple):
    """When an adapter left the base, and when that was planned, as far as events say."""

    planned_on: date | None
    promoted_on: date

    @property
    def days(self) -> int | None:
        """How long it took."""
        return (self.promoted_on - self.planned_on).days if self.planned_on else None


class Known(NamedTuple):
    """What is known of an adapter beside its versions.

    Attributes:
        work: its latest rebuild on this machine.
        waived_until: until when somebody has accepted that it ends.
        to: the base that it would be rebuilt on, if one is known.
        blockers: what its plan says.
    """

    work: Work | None = None
    waived_until: str | None = None
    to: str | None = None
    blockers: Sequence[Blocker] = ()


def on_its_way(serving: Standing, versions: Sequence[Standing], known: Known) -> Move:
    """Returns how far an adapter is whose version that serves still stands on the base."""
    ready = readiness(serving, versions)
    candidate = ready.version if isinstance(ready, Ready) else ready.candidate
    state, why, mend = _state(serving, ready, known)
    return Move(
        adapter=serving.adapter,
        version=serving.version,
        owners=serving.owners,
        base=serving.base,
        state=state,
        rebuild_by=serving.status.rebuild_by,
        slack_days=serving.status.slack_days,
        candidate=candidate,
        why=why,
        mend=mend,
        begun=known.work is not None or candidate is not None,
        waived_until=known.waived_until if state == "waived" else None,
    )


def _state(serving: Standing, ready: Ready | NotYet, known: Known) -> tuple[State, str, str]:
    work = known.work
    if work is not None and work.alive:
        return "running", f"rebuilding on {work.to}; last: {work.step}", ""
    if isinstance(ready, Ready):
        why = f"@{ready.version} on {ready.base} passed, and is not promoted yet"
        return "waiting", why, f"adapterctl promote {serving.adapter}@{ready.version}"
    if known.waived_until is not None:
        return "waived", f"its end is accepted until {known.waived_until}", ""
    if work is not None and not work.finished:
        again = f"adapterctl rebuild {serving.name} --to {work.to} --resume"
        return "waiting", f"its rebuild on {work.to} was interrupted after: {work.step}", again
    return _not_ready(serving, ready, known)


def _not_ready(serving: Standing, ready: NotYet, known: Known) -> tuple[State, str, str]:
    if ready.judged:
        return "blocked", ready.why, ready.mend
    if known.blockers:
        first, more = known.blockers[0], len(known.blockers) - 1
        return "blocked", f"{first.what}{f' (and {more} more)' if more else ''}", first.mend
    begin = known.to is not None and ready.candidate is None
    again = f"adapterctl rebuild {serving.name} --to {known.to}" if begin else ready.mend
    return "waiting", ready.why, again


def accepted_until(serving: Standing, waivers: Iterable[Waiver], *, today: date) -> str | None:
    """Returns until when somebody has accepted that the base of an adapter ends."""
    subjects = {f"adapter:{serving.name}", f"adapter:{serving.adapter}"}
    ends = [
        waiver.until for waiver in waivers if waiver.code in ENDINGS and waiver.subject in subjects
    ]
    return max((until for until in ends if until >= today.isoformat()), default=None)


def served_on(base: str, events: Sequence[Event], bases: Mapping[int, str]) -> bool:
    """Whether a version on ``base`` ever served: as the champion, or before there was one.

    Args:
        base: the base that ends.
        events: those of the adapter, in their order.
        bases: the base of each of its versions.
    """
    champions = [each.version for each in events if each.event in {"promoted", "rolled_back"}]
    first, candidates = champions[0] if champions else 0, tried(events)
    before = (one for one in bases if one < first and one not in candidates)
    return any(bases.get(version) == base for version in (*champions, *before))


def planned_on(version: int, events: Iterable[Event]) -> date | None:
    """Returns the day on which the rebuild that gave a candidate was planned, if events say."""
    told = [each for each in events if (each.event, each.version) == ("candidate", version)]
    if not told:
        return None
    return day(str(told[-1].details.get(PLANNED_ON, told[-1].at)), "events.jsonl")


def done(version: int, events: Sequence[Event]) -> Done | None:
    """Returns when a version became the champion; ``None`` without an event of it."""
    told = [each for each in events if (each.event, each.version) == ("promoted", version)]
    if not told:
        return None
    return Done(planned_on(version, events), day(told[-1].at, "events.jsonl"))


def moved(serving: Standing, end: Done | None) -> Move:
    """Returns an adapter that serves elsewhere now."""
    when = f" since {end.promoted_on}" if end else ""
    took = f", {end.days} d after its plan" if end and end.days is not None else ""
    return Move(
        adapter=serving.adapter,
        version=serving.version,
        owners=serving.owners,
        base=serving.base,
        state="done",
        why=f"@{serving.version} on {serving.base} serves{when}{took}",
    )


def retired(adapter: str, event: Event, *, base: str) -> Move:
    """Returns an adapter that was retired; ``event`` says so."""
    because = f": {event.because}" if event.because else ""
    return Move(
        adapter=adapter,
        version=event.version,
        owners=[],
        base=base,
        state="retired",
        why=f"retired on {event.at[:10]}{because}",
    )
