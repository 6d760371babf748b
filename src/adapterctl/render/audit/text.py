"""The audit for a terminal of 80 columns: what dies, who moves, a table, what to do today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapterctl.render.audit import summary
from adapterctl.render.audit.view import Row, View, gone, grouped, owner_of, rows
from adapterctl.render.table import day, paint, slack, table, unjudged, wrapped
from adapterctl.rules.findings import Audit, Finding

TITLES = ("SLACK", "DATE", "SEVERITY", "CODE", "SUBJECT", "BASE", "OWNER")
SINCE = "SINCE"
_TO_DO = "    > "


def render(audit: Audit, view: View) -> str:
    """Returns what dies, who has to move, the findings, and what to do about each."""
    open_ones = [row for row in rows(audit, view) if row.is_live]
    skips = [(one.subject, one.reason, one.mend) for one in audit.skipped]
    lines = [
        *summary.opening(audit),
        *_tables(open_ones, view),
        *_to_do(open_ones, colour=view.colour),
        *_accepted(audit.findings, colour=view.colour),
        *_gone(view),
        *unjudged(skips, colour=view.colour),
        "",
        *summary.closing(audit, view),
    ]
    return "\n".join(lines)


# tables


def _tables(open_ones: Sequence[Row], view: View) -> list[str]:
    if not open_ones:
        return []
    if view.by is None:
        return ["", *_table(open_ones, view)]
    lines: list[str] = []
    for name, group in grouped(open_ones, view.by).items():
        lines += ["", paint(name, "heading", colour=view.colour), *_table(group, view)]
    return lines


def _table(shown: Sequence[Row], view: View) -> list[str]:
    titles = (*TITLES, SINCE) if view.changes else TITLES
    cells = [(*_cells(row.finding), *([row.mark or "-"] if view.changes else [])) for row in shown]
    first, *lines = table(titles, cells, right=["SLACK"])
    painted = [
        paint(line, row.finding.severity, colour=view.colour)
        for line, row in zip(lines, shown, strict=True)
    ]
    return [paint(first, "heading", colour=view.colour), *painted]


def _cells(finding: Finding) -> tuple[str, ...]:
    return (
        slack(finding.slack_days),
        day(finding.date),
        finding.severity,
        finding.code,
        finding.subject.removeprefix("adapter:"),
        finding.base or "-",
        owner_of(finding),
    )


# what to do


def _to_do(open_ones: Sequence[Row], *, colour: bool) -> list[str]:
    if not open_ones:
        return []
    lines = ["", paint("What to do", "heading", colour=colour)]
    for row in open_ones:
        lines += _task(row.finding, row.mark)
    return lines


def _task(finding: Finding, mark: str) -> list[str]:
    marked = f", {mark}" if mark else ""
    return [
        f"  {finding.code} {finding.subject}{summary.people(finding)}{marked}",
        *map(_no_task, wrapped(summary.said(finding), indent="    ")),
        f"{_TO_DO}{finding.mend}",
    ]


def _no_task(line: str) -> str:
    """Returns a line of a message so that it cannot be taken for what to do."""
    return f" {line}" if line.startswith(_TO_DO.rstrip()) else line


def _accepted(findings: Iterable[Finding], *, colour: bool) -> list[str]:
    lines = [
        f"  {one.code} {one.subject} until {one.waived_until}"
        for one in findings
        if one.waived_until
    ]
    return ["", paint("Accepted for now", "heading", colour=colour), *lines] if lines else []


def _gone(view: View) -> list[str]:
    lines = [f"  {summary.was(seen)}" for seen in gone(view)]
    return ["", paint("Gone", "heading", colour=view.colour), *lines] if lines else []
