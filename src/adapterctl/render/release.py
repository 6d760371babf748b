"""Aliases that moved, and what a rollback or verification found, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapterctl.rules.campaign.promotions import Moved
from adapterctl.rules.outcomes import Checked

ALIAS_ORDER = ("champion", "previous", "candidate")


def moved_result(moved: Moved) -> dict[str, Any]:
    """Returns what a release moved as JSON shows it."""
    return {
        "adapter": moved.adapter,
        "version": moved.version,
        "before": moved.before,
        "after": moved.after,
        "recipe_diff": moved.diff,
        "mirror_pending": moved.pending,
    }


def move_lines(moved: Moved) -> list[str]:
    """Returns what a release moved, line by line, with the recipe's diff."""
    lines = [moved_text(moved.adapter, moved.before, moved.after)]
    if moved.diff:
        lines.append(moved.diff)
    if moved.pending:
        lines.append(f"MLflow is pending ({moved.pending}); when it answers: adapterctl sync")
    return lines


def moved_text(adapter: str, before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Returns one line per alias that moved."""
    lines = []
    for alias in ALIAS_ORDER:
        old, new = before.get(alias), after.get(alias)
        if old != new:
            lines.append(f"{adapter}: {alias} {_shown(old)} -> {_shown(new)}")
    return "\n".join(lines) or f"{adapter}: nothing moved"


def _shown(version: int | None) -> str:
    return "none" if version is None else str(version)


def parts_text(parts: Iterable[Checked]) -> str:
    """Returns one line per checked pin, and the mend under each problem."""
    lines = []
    for part in parts:
        mark = "ok  " if part.problem is None else "FAIL"
        lines.append(f"{mark} {part.what}  {part.pin[:24]}")
        if part.problem is not None:
            lines.append(f"     {part.problem}")
        if part.problem is not None and part.hint:
            lines.append(f"     hint: {part.hint}")
        lines += [f"     {note}" for note in part.notes]
    return "\n".join(lines)


def part_result(part: Checked) -> dict[str, Any]:
    """Returns a checked pin as JSON shows it."""
    return {
        "what": part.what,
        "pin": part.pin,
        "ok": part.problem is None,
        "problem": part.problem,
        "hint": part.hint,
        "notes": list(part.notes),
    }
