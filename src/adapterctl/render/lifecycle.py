"""Lifecycle dates: what was recorded, and what is known of a base."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapterctl.render.answer import envelope
from adapterctl.render.table import paint, slack, table, wrapped
from adapterctl.rules.ledger import Added, Disagreement, Recorded, Sighting, disagreements

TITLES = ("PHASE", "KIND", "DATE", "IN", "PROVIDER", "REGION", "SUCCESSOR", "SEEN ON")

_KINDS = {"shutdown": "shutdown", "not_before": "not before"}


def added_as_json(added: Added, *, as_of: date) -> str:
    """Returns one result per date that was given."""
    return envelope("lifecycle add", as_of=as_of, results=added.recorded)


def added_as_text(added: Added) -> str:
    """Returns what became of each date, and the command that stages the ledger."""
    lines = [_outcome(one) for one in added.recorded]
    if added.stated is not None:
        lines.append(f"successor {added.stated!r} is not a known base: kept as it was stated")
    if added.ledger is not None:
        lines += ["", f"git add {added.ledger}"]
    return "\n".join(lines)


def _outcome(one: Recorded) -> str:
    seen = one.observation
    what = f"{_about(seen.subject, seen.phase, seen.provider, seen.region)}: {_KINDS[seen.kind]}"
    match one.outcome:
        case "moved":
            return f"{what} moved from {one.before} to {seen.date}"
        case "restated":
            return f"{what} {seen.date} recorded again, with a new source or successor"
    return f"{what} {seen.date} {one.outcome}"


def _about(base: str, phase: str, *place: str | None) -> str:
    where = ", ".join(part for part in place if part)
    return f"{base} {phase}" + (f" ({where})" if where else "")


def as_json(sightings: Sequence[Sighting], *, as_of: date) -> str:
    """Returns one result per current observation."""
    return envelope("lifecycle show", as_of=as_of, results=sightings)


def as_text(base: str, sightings: Sequence[Sighting], *, colour: bool = False) -> str:
    """Returns the dates of a base, under each its source and what it superseded, and conflicts."""
    if not sightings:
        return f"Nothing is known of how long {base} lives."
    titles, *rows = table(TITLES, [_cells(one) for one in sightings], right=["IN"])
    lines = [paint(titles, "heading", colour=colour)]
    for row, one in zip(rows, sightings, strict=True):
        said = f"source {one.source} ({one.feed})"
        lines += [row, *wrapped(said, indent="    "), *_earlier(one)]
    for each in disagreements(sightings):
        lines += ["", *wrapped(_conflict(each))]
    return "\n".join(lines)


def _cells(one: Sighting) -> tuple[str, ...]:
    return (
        one.phase,
        _KINDS[one.kind],
        one.date or "withdrawn",
        slack(one.days),
        one.provider or "-",
        one.region or "-",
        one.successor or "-",
        one.seen_on,
    )


def _earlier(one: Sighting) -> list[str]:
    past = [f"    was {past.date or 'withdrawn'}, seen on {past.seen_on}" for past in one.earlier]
    return [*past, f"    no longer listed since {one.gone_on}"] if one.gone_on else past


def _conflict(each: Disagreement) -> str:
    days = [f"{_KINDS[one.kind]} {one.date} ({one.feed})" for one in each.sightings]
    what = _about("", each.phase, each.provider, each.region).strip()
    return f"{what}: {', '.join(days)}; the first counts"
