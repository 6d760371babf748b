"""How an answer of the audit was asked for, and what follows from that for every format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from adapterctl.records.noun import Noun
from adapterctl.rules.audit.since import Change, Changes, Seen, counts
from adapterctl.rules.findings import Audit, Finding, Severity, Skipped, is_severe

By = Literal["owner", "base", "month"]

NO_OWNER = "no owner"


class View(Noun, frozen=True, kw_only=True):
    """How an answer was asked for.

    Attributes:
        fail_on: the mildest severity that counts against.
        strict: what could not be judged counts, too.
        by: in groups instead of in one.
        changes: against an earlier answer, if there is one.
        colour: whether severities are coloured.
    """

    fail_on: Severity = "high"
    strict: bool = False
    by: By | None = None
    changes: Changes | None = None
    colour: bool = False


class Row(NamedTuple):
    """A finding as an answer shows it.

    Attributes:
        change: what became of it since an earlier answer; ``None`` without one.
        severe: it is as severe as what counts against.
        counts: it counts against.
    """

    finding: Finding
    change: Change | None
    severe: bool
    counts: bool

    @property
    def mark(self) -> str:
        """``new`` or ``worse``; nothing about what is unchanged."""
        return "" if self.change in {None, "unchanged"} else str(self.change)

    @property
    def is_live(self) -> bool:
        """Nobody has accepted it for now."""
        return self.finding.waived_until is None

    @property
    def owner(self) -> str:
        """The team that has to move."""
        return owner_of(self.finding)


def rows(audit: Audit, view: View) -> list[Row]:
    """Returns the findings in the order of their rank, accepted ones included."""
    limit, findings = view.fail_on, audit.findings
    changes = view.changes.changes if view.changes else [None] * len(findings)
    return [
        Row(one, change, is_severe(one, limit), counts(one, change, fail_on=limit))
        for one, change in zip(findings, changes, strict=True)
    ]


def dark(audit: Audit, view: View) -> list[Skipped]:
    """Returns what could not be judged and counts against."""
    if not view.strict:
        return []
    return view.changes.newly_skipped if view.changes else audit.skipped


def gone(view: View) -> list[Seen]:
    """Returns what an earlier answer had, and this one has not."""
    return view.changes.gone if view.changes else []


def owner_of(finding: Finding) -> str:
    """Returns the team that has to move."""
    return finding.owners[0] if finding.owners else NO_OWNER


def adapter_of(finding: Finding) -> str:
    """Returns the subject whatever its version."""
    return finding.subject.partition("@")[0]


def grouped(shown: Iterable[Row], by: By) -> dict[str, list[Row]]:
    """Returns rows by group, in order of name; what has none comes last."""
    groups: dict[str, list[Row]] = {}
    for row in shown:
        groups.setdefault(group_of(row.finding, by), []).append(row)
    ordered = sorted(groups, key=lambda name: (name.startswith("no "), name))
    return {name: groups[name] for name in ordered}


def group_of(finding: Finding, by: By) -> str:
    """Returns the name of the group that a finding belongs to."""
    if by == "owner":
        return owner_of(finding)
    if by == "base":
        return finding.base or "no base"
    return str(finding.date)[:7] if finding.date else "no date"
