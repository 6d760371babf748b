"""Lifecycle dates: what was recorded, and what is known of a base."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapterctl.render.answer import envelope
from adapterctl.render.table import paint, slack, table, wrapped
from adapterctl.rules.lifecycle.ledger import Added, Disagreement, Recorded, Sighting, disagreements
from adapterctl.rules.names.joins import EXPLAINED

TITLES = ("PHASE", "KIND", "DATE", "IN", "PROVIDER", "REGION", "SUCCESSOR", "SEEN ON")

_CLOCKS = (
    ("serving", "serving", False),
    ("fine-tunes", "serving", True),
    ("tuning", "tuning", False),
    ("weights", "weights", False),
)
"""Title of a clock, its phase, and whether it is that of hosted fine-tunes."""

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
    """Returns the three clocks of a base, every date behind them, and where sources disagree.

    Under each date stand its source and what it superseded.
    """
    if not sightings:
        return f"Nothing is known of how long {base} lives."
    own = [one for one in sightings if not one.tuned]
    tuned = [one for one in sightings if one.tuned]
    lines = [*_clocks(sightings), *_dates(own, colour=colour)]
    if tuned:
        lines += ["", f"Fine-tunes of {base} that live at a provider"]
        lines += _dates(tuned, colour=colour)[1:]
    for each in disagreements(sightings):
        lines += ["", *wrapped(_conflict(each))]
    return "\n".join(lines)


def _clocks(sightings: Sequence[Sighting]) -> list[str]:
    """Returns what each clock stands at, also that nothing is known of one."""
    lines: list[str] = []
    for title, phase, tuned in _CLOCKS:
        here = [one for one in sightings if (one.phase, one.tuned) == (phase, tuned)]
        said = [_stands(one) for one in here if one.counts and one.date is not None]
        if said or not tuned:
            first, *rest = said or ["no date is known"]
            lines += [f"{title:<12}{first}", *(f"{'':<12}{each}" for each in rest)]
    return lines


def _stands(one: Sighting) -> str:
    there = f" at {one.provider}" if one.provider else ""
    there += f" in {one.region}" if one.region else ""
    return f"{_KINDS[one.kind]} {one.date}, {_distance(one.days or 0)}{there}"


def _distance(days: int) -> str:
    return f"in {days} d" if days >= 0 else f"{-days} d ago"


def _dates(sightings: Sequence[Sighting], *, colour: bool) -> list[str]:
    if not sightings:
        return []
    titles, *rows = table(TITLES, [_cells(one) for one in sightings], right=["IN"])
    lines = ["", paint(titles, "heading", colour=colour)]
    for row, one in zip(rows, sightings, strict=True):
        said = f"source {one.source} ({one.feed})"
        lines += [row, *_called(one), *wrapped(said, indent="    "), *_earlier(one)]
    return lines


def _called(one: Sighting) -> list[str]:
    """Returns what the feed calls the base, where that is no name of its own."""
    if one.found == "exact":
        return []
    return wrapped(f"as {one.subject}: {EXPLAINED[one.found]}", indent="    ")


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
    said = (f"{_KINDS[one.kind]} {one.date} ({one.feed})" for one in each.sightings)
    days = list(dict.fromkeys(said))
    phase = f"{each.phase} of fine-tunes" if each.tuned else each.phase
    what = _about("", phase, each.provider, each.region).strip()
    return f"{what}: {', '.join(days)}; the first counts"
