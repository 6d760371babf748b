"""Which base comes after a base, and after that one, until one is found to move to.

Successors are those that dates name and those that the base's own file names. A successor that
would end before the next move could be done is passed over for its own; one of another kind is not
followed any further, for it leads away from what the adapter is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal, NamedTuple

from adapterctl.records.base import Base
from adapterctl.records.lifecycle import Observation
from adapterctl.rules.lifecycle.almanac import Almanac, Status
from adapterctl.rules.lifecycle.dates import clock_of, day_of
from adapterctl.rules.lifecycle.exposure import Place, Use, applies
from adapterctl.rules.lifecycle.providers import same_provider
from adapterctl.rules.names.joins import Joins

Outlook = Literal["lives", "short", "ended"]
"""Until when a successor lives: beyond the next move; not that long; not even until this one."""

_MADE_FOR = {
    "CausalLM": "CAUSAL_LM",
    "LMHeadModel": "CAUSAL_LM",
    "MaskedLM": "MASKED_LM",
    "PreTraining": "MASKED_LM",
    "SequenceClassification": "SEQ_CLS",
    "TokenClassification": "TOKEN_CLS",
}
"""Ending of an architecture's name to the task that it was made for; other endings say none."""


class Move(NamedTuple):
    """The move that a successor is looked for.

    Attributes:
        base: what is left behind.
        use: how the adapter is served and rebuilt there.
        arrival: the day from which the successor has to serve.
        lead_days: how long a move takes.
    """

    base: str
    use: Use
    arrival: date
    lead_days: int


class Link(NamedTuple):
    """One successor.

    Attributes:
        name: the declared base, or the name as it was stated.
        after: the base or successor that names it.
        declared: it is a base of this project.
        outlook: until when it lives, as far as is known.
        status: what is known of that.
        differs: in what it is of another kind than the base that is left behind.
    """

    name: str
    after: str
    declared: bool
    outlook: Outlook
    status: Status
    differs: tuple[str, ...]

    def runway(self, arrival: date) -> int:
        """Returns how many days it lives after ``arrival``; of one that ends."""
        return max(0, (day_of(self.status.ends) - arrival).days) if self.status.ends else 0


class Succession(NamedTuple):
    """What follows a base.

    Attributes:
        links: in the order in which they were looked at.
        circles: who names a base that was looked at before, and which.
    """

    move: Move
    links: tuple[Link, ...] = ()
    circles: tuple[tuple[str, str], ...] = ()

    @property
    def chosen(self) -> Link | None:
        """The successor to move to: one that lives, is declared, and is of the same kind.

        In this order: of two that live the declared one, of two that are declared the one of the
        same kind, of two alike the one that is nearer. One that has ended is none.
        """
        alive = [link for link in self.links if link.outlook != "ended"]
        return min(alive, key=_worth, default=None)

    @property
    def path(self) -> list[Link]:
        """How one gets to the chosen successor."""
        by_name = {link.name: link for link in self.links}
        path = []
        link = self.chosen
        while link is not None:
            path.append(link)
            link = by_name.get(link.after)
        return path[::-1]


def _worth(link: Link) -> tuple[bool, bool, bool]:
    return (link.outlook == "short", not link.declared, bool(link.differs))


def succession(almanac: Almanac, move: Move, *, clock: Observation | None = None) -> Succession:
    """Returns who follows a base; the search ends where one of the same kind lives.

    Args:
        almanac: all dates and bases.
        move: which base is left behind, and when.
        clock: the date that is the reason; who it names comes first.
    """
    key = ("succession", move, clock_of(clock) if clock else None)
    return almanac.once(key, lambda: _Search(almanac, move).run(clock))


class _Named(NamedTuple):
    """Who is named to follow a base, and by whose date."""

    after: str
    stated: str
    provider: str | None


class _Search:
    """Looks at successors, nearest first."""

    def __init__(self, almanac: Almanac, move: Move) -> None:
        self.almanac = almanac
        self.move = move
        self.after: dict[str, str] = {}
        self.circles: list[tuple[str, str]] = []

    def run(self, clock: Observation | None) -> Succession:
        """Returns what was found; where one of the same kind lives, the search ends."""
        links: list[Link] = []
        named = list(self._named(self.move.base, clock=clock))
        while named:
            level = list(self._level(named))
            links += level
            same = [link for link in level if not link.differs]
            if any(link.outlook == "lives" for link in same):
                break
            named = [each for link in same for each in self._named(link.name)]
        return Succession(self.move, tuple(links), tuple(self.circles))

    def _named(self, base: str, *, clock: Observation | None = None) -> Iterator[_Named]:
        """Yields who is named to follow a base: by dates that hit there, then by its file."""
        reason = clock_of(clock) if clock else None
        use = self._use(base)
        # Feeds that know the same end need not all know who follows, and it is the base's own end
        # that names who follows it, also where another date counts for its fine-tunes.
        hitting = [seen for seen in self.almanac.about(base) if applies(seen, use)]
        for seen in sorted(hitting, key=lambda one: (one != clock, clock_of(one) != reason)):
            if seen.successor:
                yield _Named(base, seen.successor, seen.provider)
        declared = self.almanac.bases.get(base)
        for name in declared.successors if declared else ():
            yield _Named(base, name, None)

    def _use(self, base: str) -> Use:
        """Returns how an adapter would be served on a base: where it is now, if that can be."""
        known, use = self.almanac.bases.get(base), self.move.use
        if known is None or base == self.move.base:
            return use
        provider = known.source.provider
        if provider is None:
            return Use(use.places, hosted=False)
        there = tuple(one for one in use.places if same_provider(one.provider, provider))
        return Use(there or (Place(provider, known.source.region),), hosted=True)

    def _level(self, named: Sequence[_Named]) -> Iterator[Link]:
        for after, stated, provider in named:
            name = called(self.almanac, stated, provider) or stated
            if name == self.move.base or name in self.after:
                self._note_circle(after, name)
            else:
                self.after[name] = after
                yield self._link(name, after=after)

    def _note_circle(self, after: str, name: str) -> None:
        """Remembers a way back; two that name the same successor are none."""
        one: str | None = self.after.get(after)
        while one is not None:
            if one == name:
                self.circles.append((after, name))
                return
            one = self.after.get(one)

    def _link(self, name: str, *, after: str) -> Link:
        move, bases = self.move, self.almanac.bases
        status = self.almanac.status_in(
            move.arrival, base=name, use=self._use(name), lead_days=move.lead_days
        )
        old, new = bases.get(move.base), bases.get(name)
        return Link(
            name=name,
            after=after,
            declared=new is not None,
            outlook=_outlook(status),
            status=status,
            differs=tuple(differences(old, new)) if old and new else (),
        )


def _outlook(status: Status) -> Outlook:
    if status.slack_days is None or status.slack_days >= 0:
        return "lives"
    return "short" if status.slack_days + status.lead_days > 0 else "ended"


def differences(old: Base, new: Base) -> Iterator[str]:
    """Yields in what a base is of another kind than the one it follows, as far as is known."""
    if old.family and new.family and old.family != new.family:
        yield f"family {old.family}, now {new.family}"
    before, after = old.digests.tokenizer, new.digests.tokenizer
    if before and after and before != after:
        yield "another tokenizer"
    one, other = task_of(old.architecture), task_of(new.architecture)
    if one and other and one != other:
        yield f"made for {one}, now for {other}"


def task_of(architecture: str | None) -> str | None:
    """Returns the task that an architecture was made for: ``LlamaForCausalLM``, ``CAUSAL_LM``."""
    named = (task for end, task in _MADE_FOR.items() if (architecture or "").endswith(end))
    return next(named, None)


def called(almanac: Almanac, name: str, provider: str | None) -> str | None:
    """Returns the declared base that is meant by the name of a successor, if there is one.

    Args:
        almanac: the dates and the bases.
        name: a base's own name before any that feeds have for one (`rules.names`).
        provider: who says so; of several, a base at this provider comes first.
    """
    if name in almanac.bases:
        return name
    found = almanac.once("successors", lambda: _meant(almanac)).get((name, provider), [])
    here = [one for one in found if _is_at(one, provider)]
    return next((one.base for one in [*here, *found]), None)


def _meant(almanac: Almanac) -> dict[tuple[str, str | None], list[Base]]:
    joins = Joins(almanac.stated_successors(), almanac.renames)
    found: dict[tuple[str, str | None], list[Base]] = {}
    for base in almanac.bases.values():
        for join in joins.of_base(base):
            found.setdefault((join.subject.name, join.subject.provider), []).append(base)
    return found


def _is_at(base: Base, provider: str | None) -> bool:
    there = base.source.provider
    return there == provider or bool(there and provider and same_provider(there, provider))
