"""What is asked of one place of the world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from adapterctl.jobs.world.asking import Patience
from adapterctl.rules.audit.teams import Staff
from adapterctl.rules.findings import Finding, Skipped

Said: TypeAlias = Finding | Skipped | Staff
"""What a question brings: findings, what was not answered, or who is in which team."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One place, and what is asked there.

    Attributes:
        place: as a `Skipped` names it where nothing is answered.
        kind: as the closing line names places of its kind.
        ask: brings all that the place says within its time; `AdapterctlError` when it is nothing.
    """

    place: str
    kind: str
    ask: Callable[[Patience], Iterable[Said]]
