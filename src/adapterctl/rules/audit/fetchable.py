"""Whether a base can still be fetched: from its source, or at least from its mirror (BASE003)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from adapterctl.records.base import Base
from adapterctl.rules.findings import Finding, Severity
from adapterctl.rules.standing import Standing


class Whereabouts(NamedTuple):
    """What became of a base at one place.

    Attributes:
        place: as people call it.
        gone: why it cannot be fetched from there any more; ``None`` where it can.
        known: whether the place has said so; what it does not tell is neither there nor gone.
    """

    place: str
    gone: str | None = None
    known: bool = True


def judge_places(
    base: Base,
    standings: Sequence[Standing],
    *,
    source: Whereabouts,
    mirror: Whereabouts | None,
) -> Iterator[Finding]:
    """Yields BASE003 for a base that its source has lost, BASE005 for a mirror that has lost it.

    With a mirror that still has it, work can go on, and there is no second copy: medium. When
    nobody knows whether the mirror has it: high.

    Args:
        base: what is looked for.
        standings: the versions that are built on it.
        source: what became of it where it comes from.
        mirror: what became of its copy; ``None`` without one.
    """
    common = _common(base, standings)
    if source.known and source.gone is not None:
        severity, left = _left(mirror)
        message = f"cannot be fetched from {source.place} any more: {source.gone}{left}"
        yield Finding(
            code="BASE003",
            severity=severity,
            message=message,
            mend=_mend(base, mirror),
            **common,
        )
    elif mirror is not None and mirror.known and mirror.gone is not None:
        yield Finding(
            code="BASE005",
            severity="low",
            message=f"its mirror {mirror.place} has lost it: {mirror.gone}",
            mend=f"adapterctl bases mirror {base.base} --to PLACE",
            **common,
        )


def _common(base: Base, standings: Sequence[Standing]) -> dict[str, Any]:
    return {
        "subject": f"base:{base.base}",
        "owners": sorted({owner for standing in standings for owner in standing.owners}),
        "base": base.base,
        "affects": sorted({standing.name for standing in standings}),
    }


def _left(mirror: Whereabouts | None) -> tuple[Severity, str]:
    if mirror is None:
        return "critical", ", and it has no mirror"
    if not mirror.known:
        return "high", f"; whether its mirror {mirror.place} has it is not known"
    if mirror.gone is not None:
        return "critical", f", nor from its mirror {mirror.place}: {mirror.gone}"
    return "medium", f"; only its mirror {mirror.place} is left"


def _mend(base: Base, mirror: Whereabouts | None) -> str:
    if mirror is not None and mirror.known and mirror.gone is None:
        return f"adapterctl bases mirror {base.base} --to PLACE"
    where = f"registry/bases/{base.base}.yaml"
    return f"find a copy and name it in {where}, or adapterctl plan --on-base {base.base} --to BASE"
