"""The audit for a pull request's comment or a job's summary: GitHub flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, takewhile

from adapterctl.render.audit import summary
from adapterctl.render.audit.view import NO_OWNER, Row, View, gone, grouped, rows
from adapterctl.render.table import day, slack
from adapterctl.rules.findings import Audit, Finding, Skipped

ROOM = 48_000
"""Characters for the tables; a comment on GitHub holds 65,536 in all."""

ROOM_OF_A_LIST = 4_000
ROOM_OF_A_GROUP = 200

TITLES = ("Slack", "Date", "Severity", "Finding", "Who", "Mend")

_SPECIAL = re.compile(
    r"""
    [\\`*<>\[\]|~$]                # code, emphasis, HTML, links, cells, mathematics
    | (?<![^\W_])_ | _(?![^\W_])   # emphasis; between letters it is none
    | &(?=\#?\w+;)                 # a character by its name
    """,
    re.VERBOSE,
)
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_TICKS = re.compile("`+")


def render(audit: Audit, view: View) -> str:
    """Returns what dies, who has to move, and a table with who fixes each finding and how.

    What does not fit into a comment is counted instead; the findings come in order of their rank.
    """
    found = rows(audit, view)
    lines = [
        f"### adapterctl audit, {audit.as_of}",
        "",
        *(f"- {escaped(line)}" for line in summary.opening(audit)),
        *_tables([row for row in found if row.is_live], view),
        *_list("Accepted for now", [_accepted(row.finding) for row in found if not row.is_live]),
        *_list("Gone", [code(summary.was(seen)) for seen in gone(view)]),
        *_list("Skipped", [_skipped(one) for one in audit.skipped]),
        "",
        " ".join(map(escaped, summary.closing(audit, view))),
    ]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Returns a text that Markdown shows as it is, and that calls nobody by ``@name``."""
    plain = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    return _MENTION.sub("@<!-- -->", plain)


def code(text: str) -> str:
    """Returns a text as code, fit for the cell of a table."""
    fence = "`" * (max(map(len, _TICKS.findall(text)), default=0) + 1)
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) or not text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


# tables


def _tables(open_ones: Sequence[Row], view: View) -> list[str]:
    each = 0 if view.by is None else ROOM_OF_A_GROUP
    shown = open_ones[: _fitting((_line(row) for row in open_ones), ROOM, each=each)]
    groups = {"": shown} if view.by is None else grouped(shown, view.by)
    titles = (*TITLES, "Since") if view.changes else TITLES
    heads = [_cells(titles), f"|---:|{'---|' * (len(titles) - 1)}"]
    lines: list[str] = []
    for name, group in groups.items():
        heading = ["", f"#### {escaped(name)}"] if name else []
        lines += [*heading, "", *heads, *map(_line, group)] if group else []
    more = len(open_ones) - len(shown)
    rest = f"and {summary.count(more, 'more finding')}: `adapterctl audit` lists all"
    return [*lines, *(["", rest] if more else [])]


def _line(row: Row) -> str:
    one = row.finding
    subject, base = code(one.subject.removeprefix("adapter:")), code(one.base or "no base")
    cells = [
        slack(one.slack_days),
        day(one.date),
        one.severity,
        f"**{one.code}** {subject} on {base}: {escaped(summary.said(one))}",
        escaped(", ".join(one.owners) or NO_OWNER),
        code(one.mend),
    ]
    return _cells([*cells, *([] if row.change is None else [row.mark or "-"])])


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# lists


def _list(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    shown = items[: _fitting(items, ROOM_OF_A_LIST)]
    more = len(items) - len(shown)
    rest = [f"- and {more:,} more"] if more else []
    return ["", f"#### {title}", "", *(f"- {item}" for item in shown), *rest]


def _accepted(finding: Finding) -> str:
    who = escaped(summary.people(finding))
    return f"{code(f'{finding.code} {finding.subject}')}{who} until {finding.waived_until}"


def _skipped(one: Skipped) -> str:
    mend = f": {code(one.mend)}" if one.mend else ""
    return f"{code(one.subject)} {escaped(one.reason)}{mend}"


def _fitting(lines: Iterable[str], room: int, *, each: int = 0) -> int:
    """Returns how many of the first lines fit into some characters; at least one."""
    lengths = accumulate(len(line) + 1 + each for line in lines)
    return max(1, sum(1 for _ in takewhile(lambda length: length <= room, lengths)))
