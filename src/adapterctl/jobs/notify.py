"""Telling people what an audit finds that is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from adapterctl.errors import AdapterctlError, Problem
from adapterctl.jobs.project import Project
from adapterctl.records.policy import People
from adapterctl.records.reading import merge
from adapterctl.rules.audit.notices import Notice, news, notices
from adapterctl.rules.audit.since import (
    Changes,
    Earlier,
    changes_since,
    known_after,
    nothing_before,
)
from adapterctl.rules.findings import Audit, Finding
from adapterctl.stores.answers import read_answer, write_answer

TOLD = "notified.json"
"""In ``.adapterctl/``: what people have been told."""

Wording = Callable[[Notice], tuple[str, str]]
"""Gives a notice's title and body."""


def tell(
    project: Project,
    audit: Audit,
    changes: Changes | None,
    *,
    otherwise: str,
    wording: Wording,
    owner: str | None = None,
    base: str | None = None,
) -> None:
    """Sends what is new or worse: to each team its own, the rest to ``otherwise``.

    Args:
        project: where; without ``changes`` its ``.adapterctl/`` keeps what people were told.
        audit: of today.
        changes: since an earlier answer; ``None`` compares with what people were told.
        otherwise: an apprise URL, or ``env:VAR``.
        wording: what a message says.
        owner: the team that the audit was cut to.
        base: the base that it was cut to.

    Raises:
        InvalidInput: naming each place that could not be told; what it misses stays new.
    """
    state = project.private / TOLD
    before = changes
    if before is None:
        before = changes_since(audit, _told(state, audit), owner=owner, base=base)
    untold, problems = _send(
        notices(news(audit, before), _people(project), otherwise=otherwise), wording
    )
    if changes is None:
        write_answer(state, known_after(audit, before, untold=untold))
    merge(problems)


def _told(state: Path, audit: Audit) -> Earlier:
    """Returns what people have been told; nothing, before the first time."""
    if not state.is_file():
        return nothing_before(audit.as_of)
    return read_answer(state, otherwise="remove it, and everything is told anew")


def _send(wanted: list[Notice], wording: Wording) -> tuple[list[Finding], list[Problem]]:
    """Tries every place; returns what could not be told, and why."""
    from adapterctl.stores.notify import deliver

    untold: list[Finding] = []
    problems: list[Problem] = []
    for notice in wanted:
        title, body = wording(notice)
        try:
            deliver(notice.address, title=title, body=body, place=notice.place)
        except AdapterctlError as error:
            untold += [each.finding for each in notice.news]
            problems += error.problems
    return untold, problems


def _people(project: Project) -> People:
    """Returns the teams; nobody when they cannot be read, which the audit has said already."""
    try:
        return project.registry.people()
    except AdapterctlError:
        return People()
