"""A plan for a pull request: GitHub flavoured Markdown, without the text of any row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adapterctl.render.audit.markdown import code, escaped
from adapterctl.render.plan.fleet import in_all, next_command, rows
from adapterctl.render.plan.sections import (
    ROLE_TITLES,
    changes,
    environment,
    ladder,
    notes,
    pinned,
    roles,
    summary,
    trainer,
)
from adapterctl.rules.findings import Skipped
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.rules.planning.conversations import Conversations
from adapterctl.rules.planning.plans import FleetPlan, RebuildPlan
from adapterctl.rules.planning.totals import totals

_RIGHT = ("SLACK", "TIME", "COST", "MEMORY")


def as_markdown(plan: RebuildPlan) -> str:
    """Returns one plan: what blocks, what changes, what stays, what next."""
    name = f"{plan.adapter}@{plan.from_version}"
    again = f"adapterctl plan {name} --to {plan.new_base}"
    run = f"adapterctl rebuild {name} --to {plan.new_base}"
    lines = [
        f"### {code(name)}: {code(plan.old_base)} → {code(plan.new_base)}",
        "",
        *_pairs(summary(plan)),
        *_section("Blocked by", _blockers(plan.blockers)),
        *_section("What changes", _pairs(changes(plan))),
        *_section("Chat template", _chat(plan.conversations)),
        *_section("LoRA by role", _roles(plan)),
        *_section("Environment", _pairs(environment(plan))),
        *_section("Trainer", _pairs(trainer(plan.trainer))),
        *_section("Ladder", _pairs(ladder(plan))),
        *_section("To know", [f"- {escaped(' '.join(note.split()))}" for note in notes(plan)]),
        *_folded("What stays", _pairs(pinned(plan))),
        "",
        f"Next: {code(run)}" if plan.can_run else f"Next: clear what blocks it, then {code(again)}",
    ]
    return "\n".join(lines)


def fleet_as_markdown(fleet: FleetPlan) -> str:
    """Returns a line per adapter on the old base, most urgent first, and what blocks some."""
    found = totals(fleet.plans)
    of = f"{found.ready} of {found.plans} can run"
    lines = [f"### {code(fleet.old_base)} → {code(fleet.new_base)}: {of}"]
    if fleet.plans:
        lines += ["", *_table(rows(fleet.plans, found)), "", *map(escaped, in_all(found))]
    for plan in fleet.plans:
        name = f"{plan.adapter}@{plan.from_version}"
        lines += _section(f"{code(name)} is blocked by", _blockers(plan.blockers))
    lines += _section("Skipped", [_skipped(one) for one in fleet.skipped])
    command, then = next_command(fleet)
    return "\n".join([*lines, "", f"Next: {code(command)}{then}"])


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"#### {title}", "", *lines] if lines else []


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]


def _pairs(found: Iterable[tuple[str, str]]) -> list[str]:
    named = [(key.strip(), value) for key, value in found if value]
    return _table([("", ""), *named]) if named else []


def _roles(plan: RebuildPlan) -> list[str]:
    lines = roles(plan.role_map.matches)
    return _table([ROLE_TITLES, *lines]) if lines else []


def _table(lines: Sequence[Sequence[str]]) -> list[str]:
    titles, *cells = lines
    rule = ["---:" if title in _RIGHT else "---" for title in titles]
    named = [title.capitalize() for title in titles]
    return [_cells(named), f"|{'|'.join(rule)}|", *map(_cells, cells)]


def _cells(line: Sequence[str]) -> str:
    return f"| {' | '.join(escaped(' '.join(cell.split())) for cell in line)} |"


def _blockers(blockers: Sequence[Blocker]) -> list[str]:
    return [
        line
        for number, one in enumerate(blockers, start=1)
        for line in (f"{number}. {escaped(one.what)}  ", f"   {code(one.mend)}")
    ]


def _chat(talks: Conversations | None) -> list[str]:
    """Returns the frame alone: what was said in a row is not for a pull request."""
    if talks is None:
        return []
    lines = [
        f"{talks.differing:,} of {talks.rows:,} probe rows are rendered otherwise "
        f"(sha256 {code(talks.old_sha256[:12])} → {code(talks.new_sha256[:12])})"
    ]
    if talks.frame:
        lines += ["", *_fenced(talks.frame)]
    return lines


def _fenced(lines: Sequence[str]) -> Iterator[str]:
    longest = max((len(line) - len(line.lstrip("+- `")) for line in lines), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}diff"
    yield from lines
    yield fence


def _skipped(one: Skipped) -> str:
    mend = f" {code(one.mend)}" if one.mend else ""
    return f"- {code(one.subject)}: {escaped(one.reason)}{mend}"
