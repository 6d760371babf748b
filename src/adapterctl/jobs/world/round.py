"""Every place is asked at once; what they say is put together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import Survey
from adapterctl.jobs.world import bases, buckets, directory, packages, remote
from adapterctl.jobs.world.asking import Patience, answers
from adapterctl.jobs.world.question import Question, Said
from adapterctl.jobs.world.said import World
from adapterctl.rules.audit.presence import kept
from adapterctl.rules.audit.teams import Staff
from adapterctl.rules.findings import Finding, Skipped, skipped
from adapterctl.rules.redaction import without_secrets

QUIET_SECONDS = 2.0
"""So long nothing is said of progress."""

GRACE_SECONDS = 2.0
"""So much longer than for its answers a place is waited for: what it said in time is judged."""


def ask(project: Project, found: Survey) -> World:
    """Asks every place that the versions of a survey depend on, all at once."""
    versions = [
        kept(standing, project.registry.any_record(standing.adapter, standing.version))
        for standing in found.standings
    ]
    asked = [
        *remote.questions(project, versions),
        *buckets.questions(project, versions),
        *bases.questions(project, found),
        *packages.questions(project, found.standings),
        *directory.questions(project, found.standings),
    ]
    seconds = project.policy.world.seconds
    told = answers(
        {number: partial(_answer, question, seconds) for number, question in enumerate(asked)},
        Patience(seconds + GRACE_SECONDS),
        workers=len(asked),
        progress=_progress(project),
    )
    judged: list[Finding | Skipped] = []
    staff = Staff({})
    for number, said in told.items():
        if isinstance(said, AdapterctlError):
            judged.append(_safe(skipped(asked[number].place, said)))
            continue
        judged += [_safe(each) for each in said if not isinstance(each, Staff)]
        staff = next((each for each in said if isinstance(each, Staff)), staff)
    kinds = [
        question.kind
        for number, question in enumerate(asked)
        if not isinstance(told[number], AdapterctlError)
    ]
    return World(judged=judged, staff=staff, asked=kinds)


def _safe(said: Finding | Skipped) -> Finding | Skipped:
    """Returns it without credentials that a place may have put into its words."""
    if isinstance(said, Finding):
        return said
    return msgspec.structs.replace(said, reason=without_secrets(said.reason))


def _answer(question: Question, seconds: float) -> list[Said]:
    """Returns all that a place said, up to where it said no more.

    Raises:
        AdapterctlError: it said nothing at all.
    """
    said: list[Said] = []
    try:
        for each in question.ask(Patience(seconds)):
            said.append(each)
    except AdapterctlError as error:
        if not said:
            raise
        said.append(skipped(question.place, error))
    return said


def _progress(project: Project) -> Callable[[int, int], None]:
    """Returns what tells of progress once it takes its time: a quick audit has nothing to say."""
    quiet = Patience(QUIET_SECONDS)

    def tell(done: int, total: int) -> None:
        if not quiet.left:
            project.display.progress("asking the world", done, total)

    return tell
