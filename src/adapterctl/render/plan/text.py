"""A rebuild plan for the person on duty: what blocks, what changes, what stays, what next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
from adapterctl.render.plan.words import count
from adapterctl.render.table import WIDTH, cut, paint, pairs, table, wrapped
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.rules.planning.conversations import Conversations
from adapterctl.rules.planning.plans import RebuildPlan

_LINES = 20
"""As many lines of a difference are shown."""


def as_text(plan: RebuildPlan, *, colour: bool = False) -> str:
    """Returns one plan, to be read from top to bottom in a minute."""
    name = f"{plan.adapter}@{plan.from_version}"
    lines = [
        paint(f"{name}: {plan.old_base} -> {plan.new_base}", "heading", colour=colour),
        *pairs(summary(plan)),
        *section("Blocked by", in_the_way(plan.blockers), colour=colour),
        *section("What changes", pairs(changes(plan)), colour=colour),
        *section("Chat template", _chat(plan.conversations), colour=colour),
        *section("LoRA by role", _roles(plan), colour=colour),
        *section("Environment", pairs(environment(plan)), colour=colour),
        *section("Trainer", pairs(trainer(plan.trainer)), colour=colour),
        *section("Ladder", pairs(ladder(plan)), colour=colour),
        *section("To know", _bullets(notes(plan)), colour=colour),
        *section("What stays", pairs(pinned(plan)), colour=colour),
        "",
        *_next(plan, name),
    ]
    return "\n".join(lines)


def section(title: str, lines: list[str], *, colour: bool) -> list[str]:
    """Returns lines under a title; nothing where there are none."""
    return ["", paint(title, "heading", colour=colour), *lines] if lines else []


def in_the_way(blockers: Sequence[Blocker]) -> list[str]:
    """Returns what blocks, numbered, each with its mend."""
    lines: list[str] = []
    for number, blocker in enumerate(blockers, start=1):
        first, *rest = wrapped(blocker.what, indent="     ")
        lines += [f"  {number}. {first.lstrip()}", *rest]
        lines += wrapped(f"> {blocker.mend}", indent="     ")
    return lines


def _roles(plan: RebuildPlan) -> list[str]:
    lines = roles(plan.role_map.matches)
    return table(ROLE_TITLES, lines) if lines else []


def _chat(talks: Conversations | None) -> list[str]:
    if talks is None:
        return []
    if not talks.differing:
        return [f"  {count(talks.rows, 'probe row')} of the training set, all rendered alike"]
    lines = [f"  {talks.differing} of {count(talks.rows, 'probe row')} are rendered otherwise"]
    if not talks.frame:
        return [
            *lines,
            "  the data are sensitive: no text is shown",
            f"  sha256 {talks.old_sha256[:12]} -> {talks.new_sha256[:12]}",
        ]
    for title, diff in (("without contents", talks.frame), *_shown_rows(talks)):
        lines += [f"  {title}", *(cut(f"    {line}", WIDTH) for line in diff[:_LINES])]
        more = len(diff) - _LINES
        lines += [f"    ... {count(more, 'line')} more in --format json"] if more > 0 else []
    return lines


def _shown_rows(talks: Conversations) -> Iterator[tuple[str, list[str]]]:
    for one in talks.shown:
        yield f"row {one.row}", one.diff


def _bullets(notes: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for note in notes:
        first, *rest = wrapped(note, indent="    ")
        lines += [f"  - {first.lstrip()}", *rest]
    return lines


def _next(plan: RebuildPlan, name: str) -> list[str]:
    again = f"adapterctl plan {name} --to {plan.new_base}"
    if not plan.can_run:
        return wrapped(f"Next: clear what blocks it, then {again}")
    return [f"Next: adapterctl rebuild {name} --to {plan.new_base}"]
