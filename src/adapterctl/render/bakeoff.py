"""A bake-off as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from adapterctl.render.answer import envelope
from adapterctl.render.table import paint, table, wrapped
from adapterctl.rules.bakeoffs import BakeOff, Ranked, Unable

_TITLES = ("CANDIDATE", "STEPS", "SECONDS", "VALUE", "DIFFERENCE", "INTERVAL", "READING")
_RIGHT = ("STEPS", "SECONDS", "VALUE", "DIFFERENCE", "INTERVAL")


def as_json(found: BakeOff, *, as_of: date) -> str:
    """Returns the contract's object; candidates that could not be tried have no rank."""
    results = [_tried(each, found) for each in found.ranked]
    results += [_not_tried(each) for each in found.unable]
    together = {
        "adapter": found.adapter,
        "version": found.version,
        "trial": found.trial,
        "metric": found.metric,
        "held_rows": found.held_rows,
        "whole_steps": found.whole_steps,
        "level": found.level,
    }
    return envelope("bakeoff", as_of=as_of, results=results, bakeoff=together)


def _tried(each: Ranked, found: BakeOff) -> dict[str, Any]:
    return {
        "base": each.base,
        "rank": each.rank,
        "metric": found.metric,
        "value": each.value,
        "difference": each.difference,
        "interval": each.interval,
        "reading": each.reading,
        "steps": each.pace.steps,
        "seconds_per_step": each.pace.per_step,
        "seconds": each.seconds,
        "blockers": [],
    }


def _not_tried(each: Unable) -> dict[str, Any]:
    unknown = dict.fromkeys(
        (
            "rank",
            "metric",
            "value",
            "difference",
            "interval",
            "reading",
            "steps",
            "seconds_per_step",
            "seconds",
        )
    )
    return {"base": each.base, **unknown, "blockers": each.blockers}


def as_text(found: BakeOff, *, colour: bool = False) -> str:
    """Returns the ranking, what can be read from it, and who could not be tried."""
    name = f"{found.adapter}@{found.version}"
    head = f"{name}: {len(found.ranked)} candidates, {found.trial} each"
    lines = [paint(head, "heading", colour=colour)]
    if found.ranked:
        titles, *rows = table(_TITLES, [_cells(each) for each in found.ranked], right=_RIGHT)
        lines += ["", paint(titles, "heading", colour=colour), *rows, "", *_remarks(found)]
    for each in found.unable:
        lines += ["", f"{each.base} was not tried"]
        for blocker in each.blockers:
            lines += [*wrapped(blocker.what, indent="  "), *wrapped(blocker.mend, indent="    ")]
    if found.ranked:
        lines += ["", f"Next: adapterctl plan {name} --to {found.ranked[0].base}"]
    return "\n".join(lines)


def _cells(each: Ranked) -> tuple[str, ...]:
    return (
        each.base,
        f"{each.pace.steps:,}",
        f"{each.seconds:,.1f}",
        f"{each.value:.3f}",
        "-" if each.difference is None else f"{each.difference:+.3f}",
        "-" if each.interval is None else f"[{each.interval[0]:.3f}, {each.interval[1]:.3f}]",
        each.reading,
    )


def _remarks(found: BakeOff) -> Iterator[str]:
    yield from _item(
        f"{found.metric} on {found.held_rows:,} training rows that no trial learned from; no "
        "evaluation set was looked at"
    )
    if len(found.ranked) > 1:
        yield from _item(
            f"differences are to the one that leads, each end of an interval at {found.level:.2%}"
        )
    if found.whole_steps and any(each.pace.steps < found.whole_steps for each in found.ranked):
        yield from _item(
            f"the whole recipe takes {found.whole_steps:,} steps: a trial is a beginning, and what "
            "leads now need not lead then"
        )


def _item(text: str) -> list[str]:
    first, *rest = wrapped(text, indent="  ")
    return [f"- {first.lstrip()}", *rest]
