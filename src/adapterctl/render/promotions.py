"""What a fleet's promotion moved, and why the others stay, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add
from adapterctl.render.release import move_lines, moved_result
from adapterctl.render.table import unjudged, wrapped
from adapterctl.rules.campaign.promotions import Moved, Promotions, Stays


def as_json(found: Promotions, *, as_of: date) -> str:
    """Returns the contract's object; of one that stays, ``why`` and ``mend`` say more."""
    results = [_result(end) for end in found.ends]
    return envelope("promote", as_of=as_of, results=results, skipped=found.skipped)


def _result(end: Moved | Stays) -> dict[str, Any]:
    if isinstance(end, Moved):
        return {**moved_result(end), "moved": True, "why": None, "mend": None}
    return {
        "adapter": end.adapter,
        "version": end.candidate,
        "before": end.aliases,
        "after": end.aliases,
        "recipe_diff": "",
        "mirror_pending": None,
        "moved": False,
        "why": end.why,
        "mend": end.mend,
    }


def as_text(found: Promotions) -> str:
    """Returns what moved, what stays and why, and what to put under git."""
    moved, stay = found.moved, found.stay
    if not found.ends:
        return "\n".join([f"No adapter stands on {found.base}.", *_skipped(found)])
    lines = [f"{len(moved)} of {len(found.ends)} adapters on {found.base} moved"]
    for each in moved:
        lines += move_lines(each)
    if stay:
        lines += ["", "Stays", *(line for each in stay for line in _why(each))]
    lines += _skipped(found)
    written = sorted({path for each in moved for path in each.written})
    return "\n".join([*lines, *(["", git_add(written)] if written else [])])


def _why(stays: Stays) -> Iterator[str]:
    yield from wrapped(f"{stays.adapter}@{stays.version}: {stays.why}", indent="  ")
    if stays.mend:
        yield f"    {stays.mend}"


def _skipped(found: Promotions) -> list[str]:
    return unjudged((one.subject, one.reason, one.mend) for one in found.skipped)
