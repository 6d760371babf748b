"""The list of adapters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapterctl.render.answer import envelope
from adapterctl.render.table import day, paint, slack, table, unjudged
from adapterctl.rules.findings import Skipped
from adapterctl.rules.standing import Listed

TITLES = ("ADAPTER", "ALIASES", "BASE", "GRADE", "REBUILD BY", "SLACK", "OWNER")


def as_json(lines: Sequence[Listed], skipped: Sequence[Skipped], *, as_of: date) -> str:
    """Returns the contract's object."""
    return envelope("list", as_of=as_of, results=lines, skipped=skipped)


def as_text(lines: Sequence[Listed], skipped: Sequence[Skipped], *, colour: bool = False) -> str:
    """Returns one line per version, and what has none."""
    skips = [(one.subject, one.reason, one.mend) for one in skipped]
    return "\n".join([*_table(lines, colour=colour), *unjudged(skips, colour=colour)])


def _table(lines: Sequence[Listed], *, colour: bool) -> list[str]:
    if not lines:
        return ["No adapter is registered here."]
    titles, *rows = table(TITLES, [_cells(line) for line in lines], right=["SLACK"])
    return [paint(titles, "heading", colour=colour), *rows]


def _cells(line: Listed) -> tuple[str, ...]:
    return (
        f"{line.adapter}@{line.version}",
        ", ".join(line.aliases) or "-",
        line.base,
        line.grade,
        day(line.rebuild_by),
        slack(line.slack_days),
        line.owners[0] if line.owners else "no owner",
    )
