"""Aliases follow from events: who is champion, candidate and previous."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from adapterctl.records.event import Event

ALIASES = ("champion", "candidate", "previous")


def aliases(events: Iterable[Event]) -> dict[str, int]:
    """Returns alias to version after ``events``, in their order."""
    held: dict[str, int] = {}
    for event in events:
        match event.event:
            case "candidate":
                held["candidate"] = event.version
            case "promoted" | "rolled_back":
                held = _moved(held, event.version)
            case "retired":
                held = {}
    return held


def _moved(held: dict[str, int], version: int) -> dict[str, int]:
    """Gives the champion's place to ``version``; whoever held it becomes previous."""
    moved = {alias: number for alias, number in held.items() if number != version}
    champion = held.get("champion")
    if champion is not None and champion != version:
        moved["previous"] = champion
    return {**moved, "champion": version}


def is_retired(events: Iterable[Event]) -> bool:
    """Whether the adapter was retired and nothing was promoted since."""
    retired = False
    for event in events:
        retired = event.event == "retired" or (retired and event.event != "promoted")
    return retired


def tried(events: Iterable[Event]) -> set[int]:
    """Returns the versions that were candidates at any time."""
    return {event.version for event in events if event.event == "candidate"}


def serving(
    held: Mapping[str, int], versions: Sequence[int], *, tried: Collection[int]
) -> int | None:
    """Returns the version that speaks for an adapter, if it has any.

    The champion, or else the newest that was never a candidate: one that was never promoted may
    be served all the same.

    Args:
        held: alias to version.
        versions: those to choose from, in any order.
        tried: those that were candidates at any time.
    """
    settled = [one for one in versions if one not in tried]
    champion = held.get("champion")
    return champion if champion in versions else max(settled or versions, default=None)
