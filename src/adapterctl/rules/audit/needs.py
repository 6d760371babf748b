"""Until when data are needed, and what deletes them before that (DATA003)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from adapterctl.errors import InvalidInput
from adapterctl.records.noun import Noun
from adapterctl.rules.findings import Finding
from adapterctl.rules.retention import Deletion


class Need(Noun, frozen=True, kw_only=True):
    """Until when something must be kept, and who says so; without a day, for as long as it is."""

    day: date | None
    why: str


def need_on(keep_until: str | None, *, base: str, ends: date | None) -> Need:
    """Returns until when data are needed: as their recipe says, else until their base ends.

    Without either, for good: until the base ends a move can come.
    """
    if keep_until is not None:
        return need_of(keep_until)
    if ends is None:
        return Need(day=None, why="nothing says until when they are needed: keep_until would")
    return Need(day=ends, why=f"base {base} ends then")


def need_of(keep_until: str) -> Need:
    """Returns the need that a recipe states.

    Raises:
        InvalidInput: no day of the calendar.
    """
    try:
        return Need(day=date.fromisoformat(keep_until), why="data.train.keep_until")
    except ValueError:
        raise InvalidInput.one(
            f"not a day of the calendar: {keep_until!r}",
            place="data.train.keep_until",
            hint="days are YYYY-MM-DD",
        ) from None


def too_early(day: date, need: Need) -> bool:
    """Whether something that is gone from ``day`` on is gone before it is no longer needed."""
    return need.day is None or day <= need.day


class Doomed(Noun, frozen=True, kw_only=True):
    """Data that a rule deletes.

    Attributes:
        path: the data, as the recipe names them.
        place: the bucket and prefix that they lie in.
        once_replaced: only if another version replaced the pinned one today.
    """

    path: str
    place: str
    end: Deletion
    once_replaced: bool = False


def findings(
    doomed: Iterable[Doomed],
    need: Need,
    *,
    subject: str,
    owners: list[str],
    base: str,
    affects: Sequence[str] = (),
) -> Iterator[Finding]:
    """Yields DATA003, once for each place, rule and day; what is not certain is less severe."""
    groups: dict[tuple[str, Deletion, bool], list[str]] = {}
    for each in doomed:
        if too_early(each.end.day, need):
            groups.setdefault((each.place, each.end, each.once_replaced), []).append(each.path)
    for (place, end, once_replaced), paths in groups.items():
        rule = f"rule {end.rule!r}" if end.rule else "a rule without a name"
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        what = f"{rule} of {place} deletes {paths[0]}{more} on {end.day}"
        yield Finding(
            code="DATA003",
            severity="medium" if once_replaced else "high",
            subject=subject,
            message=f"{what} if it is written anew today"
            if once_replaced
            else f"{what}; {_until(need)}",
            owners=owners,
            base=base,
            affects=list(affects),
            date=None if once_replaced else end.day,
            mend=f"take the data out of {rule}, or let it keep them for longer",
        )


def _until(need: Need) -> str:
    return f"needed until {need.day}: {need.why}" if need.day else need.why
