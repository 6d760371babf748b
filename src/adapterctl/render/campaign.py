"""A deprecation as a whole, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import get_args

from msgspec import structs

from adapterctl.render.answer import envelope
from adapterctl.render.table import paint, slack, table, unjudged, wrapped
from adapterctl.rules.campaign.campaigns import Campaign
from adapterctl.rules.campaign.states import Move, State

_TITLES = ("ADAPTER", "STATE", "SLACK", "OWNER", "BASE")
_IN_TIME = {True: "yes", False: "NO", None: "cannot be said"}


def as_json(found: Campaign, *, as_of: date) -> str:
    """Returns the contract's object; ``campaign`` has what is true of all together."""
    together = {
        "base": found.base,
        "to": found.to,
        "planned": found.planned,
        "counts": counts(found),
        **structs.asdict(found.forecast),
    }
    return envelope(
        "campaign", as_of=as_of, results=found.moves, skipped=found.skipped, campaign=together
    )


def counts(found: Campaign) -> dict[State, int]:
    """Returns how many adapters are in each state."""
    states: tuple[State, ...] = get_args(State)
    return {state: sum(each.state == state for each in found.moves) for state in states}


def as_text(found: Campaign, *, colour: bool = False) -> str:
    """Returns the whole, then each adapter, then what to do next."""
    if not found.moves:
        lines = [f"No adapter stands on {found.base}, and none has left it."]
        return "\n".join([*lines, *_skipped(found, colour=colour)])
    tally = ", ".join(f"{number} {state}" for state, number in counts(found).items())
    lines = [paint(f"Off {found.base}: {tally}", "heading", colour=colour)]
    lines += wrapped(f"In time: {_IN_TIME[found.forecast.in_time]}")
    for reason in found.forecast.because:
        lines += _item(reason)
    if not found.planned and any(_waits(each) for each in found.moves):
        lines += _item("what waits was not planned: what blocks it is not known")
    titles, *rows = table(_TITLES, [_cells(each) for each in found.moves], right=["SLACK"])
    lines += ["", paint(titles, "heading", colour=colour)]
    for each, row in zip(found.moves, rows, strict=True):
        lines += [row, *_more(each)]
    return "\n".join([*lines, *_skipped(found, colour=colour)])


def _item(text: str) -> list[str]:
    first, *rest = wrapped(text, indent="    ")
    return [f"  - {first.lstrip()}", *rest]


def _waits(each: Move) -> bool:
    return each.state == "waiting" and not each.begun


def _cells(each: Move) -> tuple[str, ...]:
    owner = each.owners[0] if each.owners else "-" if each.state == "retired" else "no owner"
    return (f"{each.adapter}@{each.version}", each.state, slack(each.slack_days), owner, each.base)


def _more(each: Move) -> Iterator[str]:
    yield from wrapped(each.why, indent="    ")
    if each.mend:
        yield f"    > {each.mend}"


def _skipped(found: Campaign, *, colour: bool) -> list[str]:
    return unjudged(((one.subject, one.reason, one.mend) for one in found.skipped), colour=colour)
