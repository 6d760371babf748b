"""endoflife.date: ``eol`` of a release that is still active is only its earliest day.

The provider assigns a day of retirement when it deprecates (``eoas``); until then the page gives a
tentative one. Which of the two it is follows from the day of deprecation and the day the page was
seen, never from a flag that was computed when the page was built.
"""

from __future__ import annotations

from datetime import date

from adapterctl.rules.feeds.rows import Reading, Row, Stated

SITE = "https://endoflife.date/"

_PROVIDERS = {"claude": "anthropic", "anthropic-claude": "anthropic"}
"""Whose service a product is, where the product is not called after it."""


class Release(Stated, frozen=True, kw_only=True):
    """What is read of a release, the same for the product's page and for the API.

    Attributes:
        eoas: end of active support: a day, or whether it is over when no day is known.
        eol: the day of retirement, tentative while support is active.
        policy: the page of the provider that says so.
    """

    product: str
    name: str
    eoas: str | bool | None = None
    eol: str | bool | None = None
    replacement: str | None = None
    policy: str | None = None


def observe(row: Row[Release], reading: Reading) -> None:
    """Reads one release; one without a day of retirement says nothing."""
    stated = row.data
    if not isinstance(stated.eol, str) or not stated.eol:
        return
    named = stated.replacement not in {None, "", "N/A"}
    reading.take(
        row,
        stated.eol,
        subject=stated.name,
        source=stated.policy or f"{SITE}{stated.product}",
        kind="shutdown" if _is_deprecated(stated.eoas, reading.seen_on) else "not_before",
        provider=_PROVIDERS.get(stated.product, stated.product),
        successor=stated.replacement if named else None,
    )


def _is_deprecated(eoas: str | bool | None, seen_on: date) -> bool:
    return eoas <= seen_on.isoformat() if isinstance(eoas, str) else bool(eoas)
