"""What the world said, as an audit takes it."""

from __future__ import annotations

from dataclasses import dataclass

from adapterctl.rules.audit.teams import Staff
from adapterctl.rules.findings import Finding, Skipped


@dataclass(frozen=True, kw_only=True)
class World:
    """What the world said.

    Attributes:
        judged: findings, and what was not answered.
        staff: who is in which team, by the directory.
        asked: the places, in words; ``None`` when nothing was asked.
    """

    judged: list[Finding | Skipped]
    staff: Staff
    asked: list[str] | None


SILENT = World(judged=[], staff=Staff({}), asked=None)
"""The world, of an audit that asks nothing of it."""
