"""Who is in a team: by ``registry/people.yaml``, and by a directory that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.records.noun import Date
from adapterctl.records.policy import Member, People, Team
from adapterctl.rules.audit.judged import about
from adapterctl.rules.findings import Finding
from adapterctl.rules.standing import Standing


class Staff(NamedTuple):
    """What a directory says: teams by name, ``None`` for a team that it does not know."""

    teams: dict[str, Team | None]


class _Person(msgspec.Struct, frozen=True):
    name: str
    until: Date | None = None


class _Answer(msgspec.Struct, frozen=True):
    """A directory's answer about a team; it may say more, which is not looked at."""

    members: list[_Person]


def answered(content: bytes, *, place: str) -> Team | None:
    """Returns the team that a directory's answer describes; ``None`` when it knows no such team.

    Raises:
        InvalidInput: not ``{"members": [{"name": ..., "until": ...}]}``, nor ``null``.
    """
    try:
        told = msgspec.json.decode(content, type=_Answer | None)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput.one(
            f"not the answer of a directory: {error}",
            place=place,
            hint='it has to be {"members": [{"name": "...", "until": "YYYY-MM-DD"}]}, or null',
        ) from None
    if told is None:
        return None
    return Team(members=[Member(name=each.name, until=each.until) for each in told.members])


def joined(people: People, staff: Staff) -> People:
    """Returns the teams by both: what the directory knows of a team counts before the file."""
    known = {name: team for name, team in staff.teams.items() if team is not None}
    return People(teams={**people.teams, **known})


def unknown_teams(standing: Standing, people: People, staff: Staff) -> Iterator[Finding]:
    """Yields OWN002: a team that neither the directory nor ``people.yaml`` knows."""
    for team in standing.owners if standing.leads else ():
        if team in staff.teams and staff.teams[team] is None and team not in people.teams:
            yield about(
                standing,
                "OWN002",
                "high",
                message=f"the directory knows no team {team}",
                mend=f"name another team in registry/adapters/{standing.adapter}/recipe.yaml, or "
                "its members in registry/people.yaml",
            )
