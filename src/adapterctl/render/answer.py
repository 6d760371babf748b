"""The JSON form of every answer (DESIGN.md, section 6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

SCHEMA_VERSION = 1


def envelope(
    command: str,
    *,
    as_of: date | str,
    results: Iterable[Any],
    skipped: Iterable[Any] = (),
    **more: Any,
) -> str:
    """Returns one JSON object; see `encoded`."""
    return encoded(command, as_of=as_of, results=results, skipped=skipped, **more).decode()


def encoded(
    command: str,
    *,
    as_of: date | str,
    results: Iterable[Any],
    skipped: Iterable[Any] = (),
    **more: Any,
) -> bytes:
    """Returns one JSON object, keys in the order of the contract, in UTF-8.

    Args:
        command: the verb that answers.
        as_of: the day that counted as today.
        results: nouns or plain data.
        skipped: what could not be judged, each with its reason.
        more: what only this command has to say, after all else.
    """
    answer = {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "as_of": as_of,
        "results": list(results),
        "skipped": list(skipped),
        **more,
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=2)
