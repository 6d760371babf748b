"""Findings: the nouns of the audit's answer, their order, waivers, and what counts against.

What is found is decided in `rules.audit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, get_args

import msgspec

from adapterctl.errors import AdapterctlError, Problem
from adapterctl.records.lifecycle import Phase
from adapterctl.records.noun import Noun
from adapterctl.records.policy import Waiver

Severity = Literal["critical", "high", "medium", "low", "info"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From worst to mildest."""

PAST, LATE, AHEAD = "EOL001", "EOL002", "EOL003"
ENDINGS = (PAST, LATE, AHEAD)
"""The codes of an end that is in sight; an adapter version has at most one of them."""


class Finding(Noun, frozen=True, kw_only=True):
    """One thing an audit says; the keys are the contract's (DESIGN.md, section 6).

    Attributes:
        subject: ``adapter:NAME@VERSION``, ``base:ID`` or ``target:REGION``.
        owners: who has to move; the owning team first.
        affects: consumers of the adapter, or the adapters on the base.
        date: the day that the finding is about.
        slack_days: days until work must start; negative when it should have.
        mend: the command that mends it.
        waived_until: last day on which it is accepted; ``None`` when it is not waived.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    owners: list[str]
    base: str | None = None
    phase: Phase | None = None
    provider: str | None = None
    region: str | None = None
    affects: list[str] = []
    date: date | None = None
    slack_days: int | None = None
    mend: str = ""
    waived_until: str | None = None


class Skipped(Noun, frozen=True, kw_only=True):
    """One thing that could not be judged, and why; never the same as fine."""

    subject: str
    reason: str
    mend: str = ""


class Subject(Noun, frozen=True, kw_only=True):
    """What was judged, whether anything was found about it or not.

    Attributes:
        subject: as findings name it.
        file: where a person mends it, from the project's folder.
        slack_days: until work must start; ``None`` without a firm date, and for a base.
    """

    subject: str
    owners: list[str]
    base: str
    file: str
    slack_days: int | None = None


class Audit(Noun, frozen=True, kw_only=True):
    """The audit's answer.

    Attributes:
        as_of: the day that counted as today.
        horizon_days: how far ahead it looked.
        adapters: how many adapters were judged.
        versions: how many of their versions.
        retired: how many adapters were left out because they are retired.
        findings: ranked, waived ones included.
        asked: the places of the world that were asked, in words; ``None`` when nothing was.
        subjects: the adapter versions and bases that were judged.
    """

    as_of: date
    horizon_days: int
    adapters: int
    versions: int
    retired: int
    findings: list[Finding]
    skipped: list[Skipped]
    asked: list[str] | None = None
    subjects: list[Subject] = []


def skipped(subject: str, error: AdapterctlError, *, instead: str = "") -> Skipped:
    """Returns what an unreadable file leaves unjudged; ``instead`` says what was read for it."""
    return Skipped(
        subject=subject,
        reason="; ".join(map(_without_hint, error.problems)) + instead,
        mend=next((problem.hint for problem in error.problems if problem.hint), ""),
    )


def _without_hint(problem: Problem) -> str:
    return f"{problem.place}: {problem.what}" if problem.place else problem.what


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Returns findings by slack, then severity, then subject; those without slack come last."""
    return sorted(findings, key=_rank)


_WORSE_FIRST = {severity: number for number, severity in enumerate(SEVERITIES)}


def _rank(finding: Finding) -> tuple[bool, int, int, str, str]:
    slack = finding.slack_days
    severity = _WORSE_FIRST[finding.severity]
    return (slack is None, slack or 0, severity, finding.subject, finding.code)


def waived(finding: Finding, waivers: Sequence[Waiver], *, today: date) -> Finding:
    """Returns the finding with the end of its waiver, or with word of one that has ended.

    A waiver's subject is the finding's own, or ``adapter:NAME`` for every version of it.
    """
    (found,) = all_waived([finding], waivers, today=today)
    return found


def all_waived(
    findings: Iterable[Finding], waivers: Sequence[Waiver], *, today: date
) -> Iterator[Finding]:
    """Yields each finding as `waived` has it; the waivers are gone through once for all."""
    ends: dict[tuple[str, str], str] = {}
    for waiver in sorted(waivers, key=lambda waiver: waiver.until):
        ends[waiver.code, waiver.subject] = waiver.until
    codes = {code for code, _ in ends}
    for finding in findings:
        yield _with_end(finding, ends, today=today) if finding.code in codes else finding


def _with_end(finding: Finding, ends: Mapping[tuple[str, str], str], *, today: date) -> Finding:
    whole = finding.subject.partition("@")[0]
    until = max(ends.get((finding.code, each), "") for each in (finding.subject, whole))
    if not until:
        return finding
    if today.isoformat() <= until:
        return msgspec.structs.replace(finding, waived_until=until)
    return msgspec.structs.replace(
        finding, message=f"{finding.message}; its waiver ended on {until}"
    )


def counting(findings: Iterable[Finding], fail_on: Severity) -> list[Finding]:
    """Returns the findings that count against: not waived, and at or above ``fail_on``."""
    return [one for one in findings if one.waived_until is None and is_severe(one, fail_on)]


def is_severe(finding: Finding, fail_on: Severity) -> bool:
    """Whether a finding is at or above ``fail_on``."""
    return SEVERITIES.index(finding.severity) <= SEVERITIES.index(fail_on)
