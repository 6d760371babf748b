"""What an imported feed brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapterctl.records.lifecycle import Observation
from adapterctl.render.answer import envelope
from adapterctl.render.table import wrapped
from adapterctl.rules.feeds.imported import Import, Imported

MOST = 10
"""More than these are counted; the ledger has them all."""


def as_json(answer: Imported, *, as_of: date) -> str:
    """Returns the one result."""
    return envelope("lifecycle import", as_of=as_of, results=[answer])


def as_text(done: Import) -> str:
    """Returns the counts, what moved, vanished and was refused, and the `git add`."""
    answer, taken = done.answer, done.taken
    corrected = taken.count("restated")
    also = f", {corrected:,} of them stated anew" if corrected else ""
    moved = [one for one in taken.seen if one.outcome == "moved"]
    lines = [
        f"{answer.feed}: {answer.read:,} records, as seen on {done.seen_on}",
        f"  {answer.recorded:,} recorded",
        f"  {answer.unchanged:,} unchanged{also}",
        f"  {answer.moved:,} moved",
        *_some([f"{_name(one.observation)}: {one.before} -> {_day(one.observation)}"
                for one in moved]),
        f"  {answer.vanished:,} vanished",
        *_some([f"{_name(one.before)}: was {_day(one.before)}" for one in taken.vanished]),
        f"  {len(answer.refused):,} refused",
        *_some([f"{one.key}: {one.why}" for one in answer.refused]),
    ]  # fmt: skip
    written = [path for path in (done.ledger, done.names) if path is not None]
    if written:
        lines += ["", f"git add {' '.join(written)}"]
    return "\n".join(lines)


def _name(seen: Observation) -> str:
    return seen.key.partition(":")[2]


def _day(seen: Observation) -> str:
    return f"not before {seen.date}" if seen.kind == "not_before" else str(seen.date)


def _some(texts: Sequence[str]) -> list[str]:
    shown = [line for text in texts[:MOST] for line in wrapped(text, indent="    ")]
    more = len(texts) - MOST
    return [*shown, f"    and {more:,} more"] if more > 0 else shown
