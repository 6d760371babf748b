"""Accepted findings, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from adapterctl.render.table import wrapped
from adapterctl.rules.outcomes import Acceptance


def as_text(acceptances: Iterable[Acceptance]) -> str:
    """Returns what is accepted now, why, and what it superseded."""
    return "\n".join(line for one in acceptances for line in _lines(one))


def _lines(one: Acceptance) -> Iterator[str]:
    waiver = one.waiver
    word = "is accepted already" if one.state == "unchanged" else "accepted"
    yield f"{waiver.code} {waiver.subject} {word} until {waiver.until} by {waiver.by}"
    yield from wrapped(waiver.reason, indent="    ")
    if one.before is not None:
        yield f"    instead of until {one.before.until} by {one.before.by}:"
        yield from wrapped(one.before.reason, indent="      ")


def result(one: Acceptance) -> dict[str, Any]:
    """Returns a waiver as JSON shows it."""
    return {**msgspec.structs.asdict(one.waiver), "state": one.state}
