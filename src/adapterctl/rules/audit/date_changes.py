"""Dates that moved, and dates that their feed lists no longer: EOL005 and EOL008."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapterctl.records.lifecycle import Kind, Observation
from adapterctl.rules.audit.judged import Frame, Judged, about, phrase
from adapterctl.rules.audit.moves import declare_first
from adapterctl.rules.findings import Finding
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.lifecycle.dates import Change, clock_of, day, day_of
from adapterctl.rules.lifecycle.ledger import UNDATED, feed_of
from adapterctl.rules.lifecycle.tuned import is_tuned

_KINDS: dict[Kind, str] = {"shutdown": "shutdown", "not_before": "not before"}
_OPTIONS: dict[Kind, str] = {"shutdown": "--shutdown", "not_before": "--not-before"}


def date_changes(standing: Judged, almanac: Almanac, frame: Frame) -> Iterator[Finding]:
    """Yields what became of the dates that hit an adapter version.

    A move is said for as many days as the audit looks ahead, a withdrawal until the date is seen
    again, there or elsewhere. Of several on one clock, the latest is said.
    """
    moved, gone = almanac.following(
        standing.status,
        ("changes", standing.base, frame),
        lambda: _changes(standing, almanac, frame),
    )
    for one in moved:
        yield _moved(standing, almanac, one)
    for one in gone:
        yield _vanished(standing, almanac, one)


def _changes(standing: Judged, almanac: Almanac, frame: Frame) -> tuple[list[Change], list[Change]]:
    """Returns the dates that moved and those that are gone, for all that a status is true of."""
    hitting = almanac.changes_that_hit(standing.base, standing.status.use)
    if not hitting:
        return [], []
    known = almanac.about(standing.base)
    moved = [one for one in hitting if one.now.date is not None and _is_recent(one, frame)]
    gone = [one for one in hitting if one.now.date is None and not _is_back(one, known)]
    return _by_clock(moved), _by_clock(gone)


def _is_recent(change: Change, frame: Frame) -> bool:
    seen_on = day(change.now.seen_on, f"registry/lifecycle: {change.now.key}")
    return 0 <= (frame.today - seen_on).days <= frame.horizon_days


def _is_back(gone: Change, known: Iterable[Observation]) -> bool:
    """Whether anybody has seen a date of the same clock since."""
    return any(
        clock_of(seen) == clock_of(gone.now) and seen.seen_on >= gone.now.seen_on for seen in known
    )


def _by_clock(changes: Iterable[Change]) -> list[Change]:
    latest: dict[tuple[str | None, ...], Change] = {}
    for change in sorted(changes, key=lambda one: one.now.seen_on):
        latest[clock_of(change.now)] = change
    return list(latest.values())


def _moved(standing: Judged, almanac: Almanac, change: Change) -> Finding:
    before, now = change
    days = (day_of(now) - day_of(before)).days
    by = f", {abs(days)} d {'later' if days > 0 else 'earlier'}" if days else ""
    return about(
        standing,
        "EOL005",
        "medium",
        message=f"{phrase(now, standing.base)} {_KINDS[before.kind]} {before.date} became "
        f"{_KINDS[now.kind]} {now.date}{by}; seen on {now.seen_on}; source {now.source}",
        phase=now.phase,
        provider=now.provider,
        region=now.region,
        date=day_of(now),
        mend=f"adapterctl lifecycle show {standing.base}"
        if standing.base in almanac.bases
        else declare_first(standing, now.provider),
    )


def _vanished(standing: Judged, almanac: Almanac, change: Change) -> Finding:
    before, now = change
    listed = "listed, but without a date," if now.note == UNDATED else "no longer listed"
    return about(
        standing,
        "EOL008",
        "medium",
        message=f"{phrase(now, standing.base)} {_KINDS[before.kind]} {before.date} is "
        f"{listed} by {feed_of(now)} since {now.seen_on}; source {before.source}",
        phase=now.phase,
        provider=now.provider,
        region=now.region,
        date=day_of(before),
        mend=_state(standing.base, before)
        if standing.base in almanac.bases
        else declare_first(standing, now.provider),
    )


def _state(base: str, gone: Observation) -> str:
    """Returns how the date is stated by hand, once somebody has looked it up."""
    provider = f" --provider {gone.provider}" if gone.provider else ""
    region = f" --region {gone.region}" if gone.region else ""
    tuned = " --tuned" if is_tuned(gone) else ""
    option = _OPTIONS[gone.kind]
    return (
        f"adapterctl lifecycle add {base} --phase {gone.phase}{provider}{region}{tuned} {option} "
        "DATE --source URL"
    )
