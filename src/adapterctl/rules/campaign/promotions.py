"""What a release moved, and what of a fleet it could not move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapterctl.rules.findings import Skipped


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What a release did: aliases before and after, the recipe's diff, the mirror's state."""

    adapter: str
    version: int
    before: dict[str, int]
    after: dict[str, int]
    diff: str
    pending: str | None
    written: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stays:
    """A version that could not be moved.

    Attributes:
        version: the one that serves.
        candidate: the one that was to take its place, if there is one.
        aliases: as they are.
        mend: what to do about it.
    """

    adapter: str
    version: int
    candidate: int | None
    aliases: dict[str, int]
    why: str
    mend: str


@dataclass(frozen=True, kw_only=True)
class Promotions:
    """What became of all adapters on one base, in order of name.

    Attributes:
        skipped: what could not be read.
    """

    base: str
    ends: Sequence[Moved | Stays]
    skipped: list[Skipped]

    @property
    def moved(self) -> list[Moved]:
        """Those that were promoted."""
        return [end for end in self.ends if isinstance(end, Moved)]

    @property
    def stay(self) -> list[Stays]:
        """Those that were not."""
        return [end for end in self.ends if isinstance(end, Stays)]
