"""What changed between two versions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from adapterctl.render.answer import envelope
from adapterctl.render.table import paint, pairs, table
from adapterctl.rules.version_diff import (
    Difference,
    EnvironmentDifference,
    Measured,
    VersionDiff,
)

TITLES = ("SET", "METRIC", "BEFORE", "AFTER", "CHANGE")

FEW = 3
"""Names that are shown of a longer list."""

_DIGEST = re.compile(r"^((?:fp1:|sha256:)?[0-9a-f]{12})[0-9a-f]{20,}(?:\.dir)?$")


def as_json(found: VersionDiff, *, as_of: date) -> str:
    """Returns one result: the two versions, and every room with its differences."""
    result = {"before": found.before, "after": found.after, **found.rooms}
    return envelope("diff", as_of=as_of, results=[result])


def as_text(found: VersionDiff, *, colour: bool = False) -> str:
    """Returns a section per room in which something changed; digests are cut short."""
    lines = [paint(f"{found.before} -> {found.after}", "heading", colour=colour)]
    for room, differences in found.rooms.items():
        if differences:
            body = _body(room, differences, found.metrics)
            lines += ["", paint(room.capitalize(), "heading", colour=colour), *body]
    same = [room for room, differences in found.rooms.items() if not differences]
    if same:
        lines += ["", f"The same: {', '.join(same)}."]
    return "\n".join(lines)


def _body(room: str, differences: Sequence[Difference], metrics: Sequence[Measured]) -> list[str]:
    if room == "environment":
        return _environment(differences)
    if room == "results":
        rest = [one for one in differences if not one.path.startswith("metrics.")]
        return [*_pairs(rest), *_metrics(metrics)]
    return _pairs(differences)


def _pairs(differences: Sequence[Difference], *, indent: str = "  ") -> list[str]:
    return pairs([(one.path, _change(one)) for one in differences], indent=indent)


def _change(one: Difference) -> str:
    before, after = one.before, one.after
    if _is_list(before) and _is_list(after) and max(len(before), len(after)) > FEW:
        return _list_change(before, after)
    if isinstance(before, float) and isinstance(after, float):
        old, new = f"{before:.6g}", f"{after:.6g}"
        return f"{old} -> {new}" if old != new else f"{before!r} -> {after!r}"
    return f"{_value(before)} -> {_value(after)}"


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _list_change(before: Sequence[str], after: Sequence[str]) -> str:
    """Returns what of a long list is gone and what is new, the first few by name."""
    gone = [part for part in before if part not in after]
    new = [part for part in after if part not in before]
    parts = [_few(word, names) for word, names in (("gone", gone), ("new", new)) if names]
    return "; ".join([f"{len(before)} -> {len(after)}", *(parts or ["in another order"])])


def _few(word: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"{word}: {', '.join(names[:FEW])}{more}"


def _value(value: Any) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if _is_list(value):
        return ", ".join(value)
    return _short(value) if isinstance(value, str) else msgspec.json.encode(value).decode()


def _short(text: str) -> str:
    digest = _DIGEST.match(text)
    return f"{digest.group(1)}..." if digest else text


def _environment(differences: Sequence[Difference]) -> list[str]:
    can = [one for one in differences if _can_change_results(one)]
    cannot = [one for one in differences if not _can_change_results(one)]
    lines = []
    for title, part in (("can change results", can), ("cannot change results", cannot)):
        if part:
            lines += [f"  {title}", *_pairs(part, indent="    ")]
    return lines


def _can_change_results(one: Difference) -> bool:
    return isinstance(one, EnvironmentDifference) and one.can_change_results


def _metrics(metrics: Sequence[Measured]) -> list[str]:
    rows = [
        (one.set, one.metric, _number(one.before), _number(one.after), _gap(one)) for one in metrics
    ]
    lines = table(TITLES, rows, right=TITLES[2:]) if rows else []
    return ["", *(f"  {line}" for line in lines)] if lines else []


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _gap(one: Measured) -> str:
    if one.before is None or one.after is None:
        return "-"
    return f"{one.after - one.before:+.4f}"
