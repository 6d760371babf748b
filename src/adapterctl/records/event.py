"""What happened to an adapter after a version was built: a line of ``events.jsonl``."""

from __future__ import annotations

from typing import Any, Literal

from adapterctl.records.noun import Sparse

EventKind = Literal[
    "promoted",
    "candidate",
    "rolled_back",
    "evaluated",
    "reproduced",
    "salvaged",
    "retired",
    "data_removed",
]


class Event(Sparse, frozen=True, kw_only=True):
    """One event; ``at`` is UTC in ISO 8601, ``because`` the reason a person gave."""

    event: EventKind
    version: int
    at: str
    by: str
    because: str | None = None
    details: dict[str, Any] = {}
