"""What is new since an earlier answer of the audit, what got worse, and what is gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import chain, compress
from operator import not_
from typing import Literal

import msgspec

from adapterctl.records.lifecycle import Phase
from adapterctl.records.noun import Noun
from adapterctl.rules.findings import (
    ENDINGS,
    SEVERITIES,
    Audit,
    Finding,
    Severity,
    Skipped,
    counting,
    is_severe,
)

Change = Literal["new", "worse", "unchanged"]

ENDED_WAIVER = "; its waiver ended on "
"""Begins what `findings.waived` adds to a message."""

BY_THE_WORLD = frozenset(
    {"DATA001", "DATA002", "DATA003", "BASE003", "BASE005", "ENV002", "OWN002"}
)
"""Codes that places outside the registry have a say in: what they do not answer is not mended."""

_OF_THE_REGISTRY = ("adapter:", "base:", "target:", "registry/")
"""How subjects begin that are no such place."""

_NUMBERS = re.compile(r"(?<![\w./-])\d[\d,.]*(-\d\d-\d\d)?(?![\w-])")
"""Numbers and days that stand alone: those of a name belong to it."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as an earlier answer gave it; keys that this release does not know are ignored."""

    code: str
    severity: Severity
    subject: str
    message: str
    owners: list[str] = []
    base: str | None = None
    phase: Phase | None = None
    provider: str | None = None
    region: str | None = None
    date: date | None = None
    slack_days: int | None = None
    waived_until: str | None = None


class SeenSkipped(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier answer could not judge."""

    subject: str


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier answer, compared with one before it, did not look at."""

    unjudged: list[Seen] = []


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier answer, as ``audit --format json`` wrote it."""

    schema_version: Literal[1]
    command: Literal["audit"]
    as_of: date
    results: list[Seen]
    skipped: list[SeenSkipped] = []
    since: Carried | None = None

    @property
    def known(self) -> list[Seen]:
        """Everything that was found, and not seen to be gone."""
        return [*self.results, *(self.since.unjudged if self.since else [])]


class Changes(Noun, frozen=True, kw_only=True):
    """What became of an earlier answer.

    Attributes:
        since: the day of the earlier answer.
        changes: one for each finding of the audit, in its order.
        gone: what the earlier answer had, and this one has not.
        unjudged: what the earlier answer had, and this one did not look at: skipped, or not in the
            part that it was cut to; slack as of today.
        newly_skipped: what could be judged then.
    """

    since: date
    changes: list[Change]
    gone: list[Seen]
    unjudged: list[Seen]
    newly_skipped: list[Skipped]

    def those(self, findings: Sequence[Finding], *wanted: Change) -> list[Finding]:
        """Returns the findings of some kinds of change."""
        pairs = zip(findings, self.changes, strict=True)
        return [finding for finding, change in pairs if change in wanted]


def nothing_before(today: date) -> Earlier:
    """Returns the answer of a night before the first, when nothing was known."""
    return Earlier(schema_version=1, command="audit", as_of=today, results=[])


def changes_since(
    audit: Audit, earlier: Earlier, *, owner: str | None = None, base: str | None = None
) -> Changes:
    """Compares an audit with an earlier answer.

    A finding is *new* when the earlier answer had none of the same code (the three ends in sight
    count as one), subject, phase, place and wording, numbers left out. It is *worse* when it is
    more severe, when its waiver ended, when its slack fell below zero, or when the day on which
    work must start, or without one its date, is earlier than it was. Slack that shrinks by a day
    every day is none of these.

    Args:
        audit: of today.
        earlier: what was known.
        owner: the team that the audit was cut to; others' findings are not gone for that.
        base: the base that it was cut to.
    """
    before = earlier.known
    known: dict[tuple[str | None, ...], list[int]] = {}
    for number in reversed(range(len(before))):
        known.setdefault(identity(before[number]), []).append(number)
    changes: list[Change] = []
    for finding in audit.findings:
        same = known.get(identity(finding))
        was = before[same.pop()] if same else None
        changes.append(_change(was, finding, then=earlier.as_of, today=audit.as_of))
    left = [before[number] for number in sorted(chain(*known.values()))]
    within, judged = cut_to(owner=owner, base=base), _judged_again(audit)
    days = (audit.as_of - earlier.as_of).days
    looked_at = [within(seen) and judged(seen) for seen in left]
    return Changes(
        since=earlier.as_of,
        changes=changes,
        gone=[*compress(left, looked_at)],
        unjudged=[_days_later(seen, days) for seen in compress(left, map(not_, looked_at))],
        newly_skipped=_newly_skipped(audit.skipped, earlier),
    )


def counts(finding: Finding, change: Change | None, *, fail_on: Severity) -> bool:
    """Whether a finding counts against; compared with an earlier answer, only when new or worse."""
    live = finding.waived_until is None
    return live and change != "unchanged" and is_severe(finding, fail_on)


def against(
    audit: Audit, *, fail_on: Severity, strict: bool, changes: Changes | None = None
) -> bool:
    """Whether the audit is a judgement against; ``strict`` counts what could not be judged.

    With ``changes``, only what is new or worse is judged.
    """
    fresh = changes.those(audit.findings, "new", "worse") if changes else audit.findings
    dark = changes.newly_skipped if changes else audit.skipped
    return bool(counting(fresh, fail_on)) or (strict and bool(dark))


def known_after(audit: Audit, changes: Changes, *, untold: Sequence[Finding] = ()) -> Earlier:
    """Returns what is known after this audit, for the next to be compared with.

    Args:
        audit: of today.
        changes: since the answer before; what was not looked at stays known.
        untold: findings that are to be new again.
    """
    left_out = set(map(id, untold))
    return Earlier(
        schema_version=1,
        command="audit",
        as_of=audit.as_of,
        results=[
            *(
                msgspec.convert(finding, Seen, from_attributes=True)
                for finding in audit.findings
                if id(finding) not in left_out
            ),
            *changes.unjudged,
        ],
    )


def _days_later(seen: Seen, days: int) -> Seen:
    slack = seen.slack_days
    return seen if slack is None else msgspec.structs.replace(seen, slack_days=slack - days)


def identity(finding: Finding | Seen) -> tuple[str | None, ...]:
    """Returns what makes two findings of two days the same; see `changes_since`."""
    if finding.code in ENDINGS:
        return (ENDINGS[0], finding.subject)
    where = (finding.phase, finding.provider, finding.region)
    return (finding.code, finding.subject, *where, _wording(finding.message))


@cache
def _wording(message: str) -> str:
    return _NUMBERS.sub("#", message.partition(ENDED_WAIVER)[0])


def cut_to(*, owner: str | None, base: str | None) -> Callable[[Seen], bool]:
    """Returns whether a finding belongs to the part that an audit was cut to."""

    def within(seen: Seen) -> bool:
        return base in {None, seen.base} and (owner is None or owner in seen.owners)

    return within


def _change(before: Seen | None, now: Finding, *, then: date, today: date) -> Change:
    if before is None:
        return "new"
    if now.waived_until is not None:
        return "unchanged"
    worse = (
        SEVERITIES.index(now.severity) < SEVERITIES.index(before.severity)
        or before.waived_until is not None
        or _fell_below_zero(before.slack_days, now.slack_days)
        or _earlier(_due(before, then), _due(now, today))
    )
    return "worse" if worse else "unchanged"


def _fell_below_zero(before: int | None, now: int | None) -> bool:
    return now is not None and now < 0 and (before is None or before >= 0)


def _due(finding: Finding | Seen, today: date) -> date | None:
    """Returns the day on which work must start, or else the day that the finding is about."""
    slack = finding.slack_days
    return finding.date if slack is None else today + timedelta(days=slack)


def _earlier(before: date | None, now: date | None) -> bool:
    return now is not None and (before is None or now < before)


def _judged_again(audit: Audit) -> Callable[[Seen], bool]:
    """Returns whether the audit looked at what an earlier finding is about.

    It did not when the adapter version, its adapter or the base was skipped, nor, for what the
    world decides, when nothing was asked of the world or one of its places was skipped.
    """
    skipped = {one.subject for one in audit.skipped}
    places = [name for name in skipped if not name.startswith(_OF_THE_REGISTRY)]
    in_the_dark = BY_THE_WORLD if places or audit.asked is None else frozenset()

    def judged(seen: Seen) -> bool:
        subjects = {seen.subject, seen.subject.partition("@")[0]}
        return seen.code not in in_the_dark and skipped.isdisjoint(subjects)

    return judged


def _newly_skipped(skipped: Iterable[Skipped], earlier: Earlier) -> list[Skipped]:
    known = {one.subject for one in earlier.skipped}
    return [one for one in skipped if one.subject not in known]
