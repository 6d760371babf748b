"""The same weights under another name: BASE004 (DESIGN.md, section 3, Fingerprint)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from adapterctl.records.base import Base
from adapterctl.rules.findings import Finding
from adapterctl.rules.standing import Standing

Digests = AbstractSet[str]


def same_weights(one: Digests, other: Digests) -> bool:
    """Whether the floating-point tensors agree, names ignored, one set containing the other.

    A copy may lack a pooler or a head, or hold a tied tensor twice.
    """
    return bool(one and other) and (one <= other or other <= one)


def twins(base: str, weights: Mapping[str, Digests]) -> list[str]:
    """Returns the other bases with the weights of ``base``, sorted."""
    own = weights.get(base, frozenset())
    return sorted(name for name, its in weights.items() if name != base and same_weights(own, its))


def judge_twins(
    standings: Sequence[Standing], bases: Mapping[str, Base], weights: Mapping[str, Digests]
) -> Iterator[Finding]:
    """Yields one finding per pair of names, about the one to be given up.

    An unused name is given up for a used one, a later one for an earlier. A name that is declared
    as another name of the other base (``names``) is no finding.

    Args:
        standings: those that are judged; the bases that they stand on are in use.
        bases: bases in use, and their twins.
        weights: base to digests of its floating-point tensors.
    """
    used = {standing.base for standing in standings}
    for base in sorted(used & bases.keys()):
        for twin in twins(base, weights):
            keep, drop = _ordered(base, twin, bases=bases, used=used)
            said_once = base == drop or twin not in used
            if said_once and twin in bases and not _declared(bases[base], bases[twin]):
                yield _finding(keep, drop, [one for one in standings if one.base == base])


def _ordered(
    base: str, twin: str, *, bases: Mapping[str, Base], used: Iterable[str]
) -> tuple[str, str]:
    def rank(name: str) -> tuple[bool, str, str]:
        added = bases[name].added if name in bases else None
        return (name not in used, added or "", name)

    keep, drop = sorted((base, twin), key=rank)
    return keep, drop


def _declared(one: Base, other: Base) -> bool:
    return other.base in one.names or one.base in other.names


def _finding(keep: str, drop: str, standings: Sequence[Standing]) -> Finding:
    return Finding(
        code="BASE004",
        severity="low",
        subject=f"base:{drop}",
        message=f"the same weights as {keep}: what is known of the one is not known of the other",
        owners=sorted({owner for standing in standings for owner in standing.owners}),
        base=drop,
        affects=sorted({standing.name for standing in standings}),
        mend=f"adapterctl bases alias {keep} {drop}",
    )
