"""Which version of an adapter serves, and whether a candidate may take its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from adapterctl.rules.standing import Standing


class Ready(NamedTuple):
    """A candidate on another base that passed its gate against the version that serves."""

    version: int
    base: str


class NotYet(NamedTuple):
    """Why nothing may take the place of the version that serves, and what to do about it.

    Attributes:
        judged: there is a candidate, and its verdict, or a rollback, speaks against it.
    """

    why: str
    mend: str
    candidate: int | None = None
    judged: bool = False


def serving_version(versions: Sequence[Standing]) -> Standing:
    """Returns the one that speaks for its adapter.

    Args:
        versions: every version of one adapter that can be read; one at least.
    """
    return next(one for one in versions if one.leads)


def readiness(serving: Standing, versions: Sequence[Standing]) -> Ready | NotYet:
    """Returns the candidate that may take the place of ``serving``, or why none may.

    Args:
        serving: the version that serves; see `serving_version`.
        versions: every version of the same adapter.
    """
    found = next((one for one in versions if "candidate" in one.aliases), None)
    if found is None or found.version == serving.version:
        begin = f"adapterctl plan {serving.name} --to SUCCESSOR"
        return _taken_back(serving, versions) or NotYet("it was not rebuilt yet", begin)
    origin, number = found.build.rebuilt, found.version
    compare = f"adapterctl compare {serving.name} {found.name}"
    if origin is None:
        return NotYet(f"its candidate @{number} was not rebuilt from it", compare, number)
    if found.base == serving.base:
        why = f"its candidate @{number} stands on {found.base}, too"
        return NotYet(why, f"adapterctl plan {found.name} --to SUCCESSOR", number)
    if origin.version != serving.version:
        why = f"its candidate @{number} was compared with @{origin.version}, and @{serving.version}"
        again = f"adapterctl rebuild {serving.name} --to {found.base}"
        return NotYet(f"{why} serves now", again, number)
    if origin.verdict != "PASS":
        why = f"its candidate @{number} on {found.base}: {origin.verdict}"
        return NotYet(why, compare, number, judged=True)
    return Ready(number, found.base)


def _taken_back(serving: Standing, versions: Sequence[Standing]) -> NotYet | None:
    """Returns why a rebuild that served for a while may not simply serve again."""
    for one in versions:
        origin = one.build.rebuilt
        if "previous" not in one.aliases or origin is None or one.base == serving.base:
            continue
        if origin.version == serving.version:
            why = f"its rebuild @{one.version} on {one.base} served, and was rolled back"
            again = f"adapterctl promote {one.name} takes it again"
            told = f"adapterctl history {serving.adapter} says why"
            return NotYet(why, f"{told}; {again}", one.version, judged=True)
    return None
