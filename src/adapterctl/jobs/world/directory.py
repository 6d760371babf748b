"""The directory of teams: who is in those that own adapters, and until when (OWN002)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.project import Project
from adapterctl.jobs.world.asking import Patience, answers, unanswered
from adapterctl.jobs.world.question import Question
from adapterctl.records.policy import Directory, Team
from adapterctl.rules.audit.teams import Staff, answered
from adapterctl.rules.findings import Skipped
from adapterctl.rules.standing import Standing
from adapterctl.stores.directory import by_command, by_url

PLACE = "the directory"


def questions(project: Project, standings: Sequence[Standing]) -> Iterator[Question]:
    """Yields the question to the directory that params.yaml names, about every team once."""
    directory = project.policy.directory
    teams = sorted({team for each in standings if each.leads for team in each.owners})
    if directory is not None and teams:
        ask = partial(_ask, project, directory, teams=teams)
        yield Question(place=PLACE, kind=PLACE, ask=ask)


def _ask(
    project: Project, directory: Directory, patience: Patience, *, teams: Sequence[str]
) -> Iterator[Staff | Skipped]:
    ask = _asking(project, directory, patience.seconds)
    told = answers({team: partial(_team, ask, team) for team in teams}, patience)
    errors = [each for each in told.values() if isinstance(each, AdapterctlError)]
    if errors:
        yield unanswered(PLACE, errors, of=len(teams), what="teams")
    yield Staff({k: each for k, each in told.items() if not isinstance(each, AdapterctlError)})


def _asking(project: Project, directory: Directory, seconds: float) -> Callable[[str], bytes]:
    """Returns how a team is asked for.

    Raises:
        InvalidInput: neither a command nor a URL, or both; a variable that is not set.
    """
    command, url = directory.command, directory.url
    if command is not None and url is None:
        return partial(by_command, command, root=project.root, seconds=seconds)
    if url is None or command is not None:
        raise InvalidInput.one(
            "exactly one of command and url", place="params.yaml: directory", hint="remove one"
        )
    header = None
    if directory.header is not None:
        name = directory.header.removeprefix("env:")
        header = os.environ.get(name)
        if not header:
            raise InvalidInput.one(
                f"the variable {name} is not set",
                place="params.yaml: directory.header",
                hint=f"{name} has to hold a header, as 'Authorization: Bearer ...'",
            )
    return partial(by_url, url, header=header, seconds=seconds)


def _team(ask: Callable[[str], bytes], team: str) -> Team | None:
    return answered(ask(team), place=f"{PLACE}: {team}")
