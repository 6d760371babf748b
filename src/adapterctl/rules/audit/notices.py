"""Who is told what: each team its own, and the rest to one place for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adapterctl.records.noun import Noun
from adapterctl.records.policy import People
from adapterctl.rules.audit.since import Change, Changes
from adapterctl.rules.findings import Audit, Finding


class News(NamedTuple):
    """A finding that is new, or worse than it was."""

    finding: Finding
    change: Change


class Notice(Noun, frozen=True, kw_only=True):
    """What one place is told.

    Attributes:
        place: where the address is stated, for messages; the address itself may be a secret.
        address: an apprise URL, or ``env:VAR``.
        team: whose findings they are; ``None`` for those that no team is told.
        news: in the order of their rank.
    """

    place: str
    address: str
    team: str | None
    news: list[News]


def news(audit: Audit, changes: Changes) -> list[News]:
    """Returns what is worth a message: new or worse, and not accepted."""
    pairs = map(News, audit.findings, changes.changes)
    return [
        each for each in pairs if each.change != "unchanged" and each.finding.waived_until is None
    ]


def notices(told: Sequence[News], people: People, *, otherwise: str) -> list[Notice]:
    """Returns what every place is told; nothing to those that nothing is new for.

    A finding is a team's own when the team owns the adapter or covers for it. What belongs to no
    team that states where it is told goes to ``otherwise``.
    """
    own = [
        Notice(
            place=f"registry/people.yaml: teams.{name}.notify[{number}]",
            address=address,
            team=name,
            news=[each for each in told if name in each.finding.owners],
        )
        for name, team in people.teams.items()
        for number, address in enumerate(team.notify)
    ]
    reached = {name for name, team in people.teams.items() if team.notify}
    rest = [each for each in told if reached.isdisjoint(each.finding.owners)]
    last = Notice(place="--notify", address=otherwise, team=None, news=rest)
    return [notice for notice in [*own, last] if notice.news]
