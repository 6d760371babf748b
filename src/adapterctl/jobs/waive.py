"""Accepting findings until a date: ``registry/waivers.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from adapterctl.errors import AdapterctlError, InvalidInput, NotFound, Problem
from adapterctl.jobs.project import Project
from adapterctl.records.policy import Waiver
from adapterctl.records.reading import merge
from adapterctl.rules.codes import check_code
from adapterctl.rules.outcomes import Acceptance, accepted

SUBJECTS = "adapter:NAME, adapter:NAME@VERSION, base:ID or target:REGION"


@dataclass(frozen=True, kw_only=True)
class Waived:
    """What was accepted, one per subject, and the file that was written, if any was."""

    acceptances: tuple[Acceptance, ...]
    written: tuple[str, ...]


def waive(
    project: Project, code: str, subjects: Sequence[str], *, reason: str, until: date
) -> Waived:
    """Accepts the findings of a code about some subjects, in the name of who acts.

    A waiver of the same code and subject is superseded; the same one again changes nothing.

    Args:
        project: where.
        code: of DESIGN.md, section 7.
        subjects: as findings name them; ``adapter:NAME`` covers every version, and an alias means
            the version that holds it today.
        reason: why it can wait.
        until: the last day on which it is accepted.

    Raises:
        InvalidInput: an unknown code or subject, no reason, or a day in the past; all are named,
            and nothing is written.
    """
    merge(_problems(project, code, subjects, reason=reason, until=until))
    known = project.registry.waivers()
    wanted = [
        Waiver(
            code=code,
            subject=subject,
            reason=" ".join(reason.split()),
            by=project.by,
            until=until.isoformat(),
        )
        for subject in dict.fromkeys(_resolved(project, subject) for subject in subjects)
    ]
    acceptances = tuple(accepted(waiver, known) for waiver in wanted)
    new = [one.waiver for one in acceptances if one.state != "unchanged"]
    path = project.registry.add_waivers(new) if new else None
    written = (path.relative_to(project.root).as_posix(),) if path else ()
    return Waived(acceptances=acceptances, written=written)


def _problems(
    project: Project, code: str, subjects: Sequence[str], *, reason: str, until: date
) -> list[Problem]:
    problems: list[Problem] = []
    try:
        check_code(code)
    except InvalidInput as error:
        problems += error.problems
    for subject in subjects:
        try:
            _resolved(project, subject)
        except AdapterctlError as error:
            problems += error.problems
    if not reason.strip():
        problems.append(Problem(place="", what="no reason", hint="say why it can wait: --reason"))
    if until < project.today:
        what = f"{until} is past: today is {project.today}"
        hint = "a waiver holds until a day to come: --until"
        problems.append(Problem(place="", what=what, hint=hint))
    return problems


def _resolved(project: Project, subject: str) -> str:
    """Returns the subject as findings name it.

    Raises:
        AdapterctlError: malformed, or nothing that is known.
    """
    kind, _, name = subject.partition(":")
    if name and kind == "adapter":
        return f"adapter:{_adapter(project, name)}"
    if name and kind == "base":
        _must_know("base", name, project.registry.bases())
        return subject
    if name and kind == "target":
        _must_know("region", name, _regions(project))
        return subject
    raise InvalidInput.one(f"not a subject: {subject!r}", hint=f"write {SUBJECTS}")


def _adapter(project: Project, name: str) -> str:
    adapter, at, _ = name.partition("@")
    _must_know("adapter", adapter, project.registry.adapters())
    return "@".join(map(str, project.version_of(name))) if at else adapter


def _regions(project: Project) -> list[str]:
    """Returns where adapters are served, as far as recipes can be read."""
    regions: set[str] = set()
    for adapter in project.registry.adapters():
        with suppress(AdapterctlError):
            serving = project.registry.recipe(adapter).serving
            regions.update(place.region for place in serving if place.region)
    return sorted(regions)


def _must_know(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise NotFound(f"no {what} {name!r}", hint=f"known: {', '.join(known) or 'none'}")
