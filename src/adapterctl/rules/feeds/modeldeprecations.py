"""modeldeprecations.dev: ``shutdown_on`` is a promise, ``earliest_shutdown_on`` a not-before.

Its ``status`` was true on the day the catalogue was built, and is not read.
"""

from __future__ import annotations

from adapterctl.rules.feeds.rows import Reading, Row, Stated
from adapterctl.rules.lifecycle.providers import provider_name

SITE = "https://modeldeprecations.dev/"


class Replacement(Stated, frozen=True, kw_only=True):
    """What may follow; ``recommended`` when the provider itself says so."""

    model: str
    recommended: bool = False


class Source(Stated, frozen=True, kw_only=True):
    """Where it says so."""

    url: str


class Hosted(Stated, frozen=True, kw_only=True):
    """What is read of one file."""

    provider: str
    model: str
    shutdown_on: str | None = None
    earliest_shutdown_on: str | None = None
    aliases: list[str] | None = None
    replacements: list[Replacement] | None = None
    sources: list[Source] | None = None
    last_verified: str | None = None


def observe(row: Row[Hosted], reading: Reading) -> None:
    """Reads one record; a promise counts before an earliest day."""
    stated = row.data
    day = stated.shutdown_on or stated.earliest_shutdown_on
    if not day:
        return
    named = [each.model for each in stated.replacements or [] if each.recommended]
    reading.take(
        row,
        day,
        subject=stated.model,
        source=stated.sources[0].url if stated.sources else SITE,
        kind="shutdown" if stated.shutdown_on else "not_before",
        provider=provider_name(stated.provider),
        successor=named[0] if named else None,
        note=f"also called {', '.join(stated.aliases)}" if stated.aliases else None,
    )
