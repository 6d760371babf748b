"""What was taken from the catalogue's dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add


class Begun(Protocol):
    """One feed's part."""

    @property
    def feed(self) -> str:
        """Its name."""

    @property
    def recorded(self) -> int:
        """Lines that its ledger begins with."""

    @property
    def seen_on(self) -> str:
        """The day of the snapshot."""

    @property
    def written(self) -> list[str]:
        """Files with new lines."""


def as_json(begun: Sequence[Begun], *, as_of: date) -> str:
    """Returns one result per feed."""
    return envelope("lifecycle start", as_of=as_of, results=begun)


def as_text(begun: Sequence[Begun]) -> str:
    """Returns a line per feed, and the `git add`."""
    lines = [
        f"{one.feed}: {one.recorded:,} dates, as seen on {one.seen_on}"
        if one.recorded
        else f"{one.feed}: has begun already; adapterctl lifecycle import brings it up to date"
        for one in begun
    ]
    written = [path for one in begun for path in one.written]
    return "\n".join([*lines, *([git_add(written)] if written else [])])
