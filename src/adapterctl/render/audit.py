"""The audit's answer: for a terminal of 80 columns, and for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Literal

from adapterctl.render.answer import envelope
from adapterctl.render.table import day, fitting, paint, slack, table, unjudged, wrapped
from adapterctl.rules.findings import ENDINGS, SEVERITIES, Audit, Finding

By = Literal["owner", "base", "month"]

TITLES = ("SLACK", "DATE", "SEVERITY", "CODE", "SUBJECT", "BASE", "OWNER")


def as_json(audit: Audit) -> str:
    """Returns the contract's object; findings in the order of their rank."""
    return envelope("audit", as_of=audit.as_of, results=audit.findings, skipped=audit.skipped)


def as_text(audit: Audit, *, by: By | None = None, colour: bool = False) -> str:
    """Returns what dies, who has to move, the findings, and what to do about each.

    Args:
        audit: the answer.
        by: one table for each owner, base or month instead of one for all.
        colour: whether severities are coloured.
    """
    live = [finding for finding in audit.findings if finding.waived_until is None]
    skips = [(one.subject, one.reason, one.mend) for one in audit.skipped]
    lines = [
        *_opening(audit, live),
        *_tables(live, by=by, colour=colour),
        *_to_do(live, colour=colour),
        *_accepted(audit.findings, colour=colour),
        *unjudged(skips, colour=colour),
        "",
        *_closing(audit),
    ]
    return "\n".join(lines)


# the two lines a CTO asks for


def _opening(audit: Audit, live: Sequence[Finding]) -> list[str]:
    dying = [one for one in live if one.code in ENDINGS and one.slack_days is not None]
    dark = {_adapter(one) for one in live if one.code == "EOL004"}
    unknown = f"; {len(dark):,} unknown" if dark else ""
    start, of = f"Dying by {_horizon(audit)}: ", f"of {_count(audit.adapters, 'adapter')}"
    if not dying:
        none = f"{start}none known, {of}{unknown}."
        return [none, "Has to move: nobody, as far as dates are known."]
    first = min(one.date for one in dying if one.date)
    number = len({_adapter(one) for one in dying})
    return [
        f"{start}{number:,} {of}, first on {first}{unknown}.",
        fitting("Has to move: ", _movers(dying), end="."),
    ]


def _horizon(audit: Audit) -> str:
    ahead = min(audit.horizon_days, (date.max - audit.as_of).days)
    return day(audit.as_of + timedelta(days=ahead))


def _movers(dying: Sequence[Finding]) -> list[str]:
    """Returns each owner with the number of adapters and of those that are late."""
    by_owner: dict[str, dict[str, bool]] = {}
    for one in dying:
        adapters = by_owner.setdefault(_owner(one), {})
        adapters[_adapter(one)] = adapters.get(_adapter(one), False) or (one.slack_days or 0) < 0
    ordered = sorted(by_owner.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return [_mover(owner, late=sum(a.values()), total=len(a)) for owner, a in ordered]


def _mover(owner: str, *, late: int, total: int) -> str:
    return f"{owner} {total} ({late} late)" if late else f"{owner} {total}"


# tables


def _tables(live: Sequence[Finding], *, by: By | None, colour: bool) -> list[str]:
    if not live:
        return []
    if by is None:
        return ["", *_table(live, colour=colour)]
    groups: dict[str, list[Finding]] = {}
    for finding in live:
        groups.setdefault(_group(finding, by), []).append(finding)
    lines: list[str] = []
    for name in sorted(groups, key=lambda name: (name.startswith("no "), name)):
        lines += ["", paint(name, "heading", colour=colour), *_table(groups[name], colour=colour)]
    return lines


def _group(finding: Finding, by: By) -> str:
    if by == "owner":
        return _owner(finding)
    if by == "base":
        return finding.base or "no base"
    return str(finding.date)[:7] if finding.date else "no date"


def _table(findings: Sequence[Finding], *, colour: bool) -> list[str]:
    titles, *rows = table(TITLES, [_cells(one) for one in findings], right=["SLACK"])
    painted = [
        paint(row, one.severity, colour=colour) for row, one in zip(rows, findings, strict=True)
    ]
    return [paint(titles, "heading", colour=colour), *painted]


def _cells(finding: Finding) -> tuple[str, ...]:
    return (
        slack(finding.slack_days),
        day(finding.date),
        finding.severity,
        finding.code,
        finding.subject.removeprefix("adapter:"),
        finding.base or "-",
        _owner(finding),
    )


def _owner(finding: Finding) -> str:
    return finding.owners[0] if finding.owners else "no owner"


def _adapter(finding: Finding) -> str:
    return finding.subject.partition("@")[0]


# what to do


def _to_do(live: Sequence[Finding], *, colour: bool) -> list[str]:
    if not live:
        return []
    lines = ["", paint("What to do", "heading", colour=colour)]
    for finding in live:
        lines += _task(finding)
    return lines


def _task(finding: Finding) -> list[str]:
    people = f" ({', '.join(finding.owners)})" if finding.owners else ""
    affects = f"; affects {', '.join(finding.affects)}" if finding.affects else ""
    return [
        f"  {finding.code} {finding.subject}{people}",
        *wrapped(finding.message + affects, indent="    "),
        f"    > {finding.mend}",
    ]


def _accepted(findings: Iterable[Finding], *, colour: bool) -> list[str]:
    lines = [
        f"  {one.code} {one.subject} until {one.waived_until}"
        for one in findings
        if one.waived_until
    ]
    return ["", paint("Accepted for now", "heading", colour=colour), *lines] if lines else []


# what was looked at


def _closing(audit: Audit) -> list[str]:
    versions = _count(audit.versions, "version")
    retired = f"; {audit.retired} retired left out" if audit.retired else ""
    left = f"; {len(audit.skipped)} skipped" if audit.skipped else ""
    of = f"of {_count(audit.adapters, 'adapter')}"
    judged = f"Judged on {audit.as_of}: {versions} {of}{retired}{left}."
    counts = [
        f"{number} {severity}"
        for severity in SEVERITIES
        if (number := sum(one.severity == severity for one in audit.findings))
    ]
    found = fitting("Findings: ", counts or ["none"], end=".")
    scope = "Not judged here: whether the pinned bytes are still there (adapterctl verify)."
    return [judged, found, scope]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
