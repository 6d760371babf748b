"""What a reproduction found, as text and JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from adapterctl.rules.outcomes import NotReproduced, Reproduction
from adapterctl.rules.trails import Divergence

LEVELS = {
    "B3": "B3: every input came back; the weights and each logged step are bit-identical",
    "B2": "B2: every input came back, and the weights are bit-identical",
    "B1": "B1: every input came back and was prepared to the same bytes; the weights differ",
    "B0": "B0: every input came back; preprocessing gives other bytes here",
}


def text(found: Reproduction) -> str:
    """Returns the answer for a person."""
    verdict = _verdict(found)
    lines = [
        f"{found.adapter}@{found.version} {verdict}",
        f"  level     {LEVELS[found.level]}",
        f"  recorded  {found.digest_recorded}",
        f"  rebuilt   {found.digest_rebuilt}",
    ]
    if not found.identical:
        if found.promise == "B2":
            lines.append(f"  diverges  {_where(found.first_difference)}")
        lines += [f"  changed   {line}" for line in found.environment]
        if not found.environment:
            lines.append("  changed   nothing in the environment that is known to change results")
    if found.cause is not None and not found.kept:
        lines.append(f"  likely    {found.cause}")
    if found.promise == "B1":
        lines.append("  promise   B1: a trainer command's weights may differ; parity (B4) counts")
    return "\n".join(lines)


def _verdict(found: Reproduction) -> str:
    if found.identical:
        return "is bit-identical"
    return "is reproduced, with other weights" if found.kept else "DIFFERS"


def _where(divergence: Divergence | None) -> str:
    if divergence is None:
        return "after the last logged step: the trails agree"
    what = ", ".join(divergence.fields) or "one of the two trails ends there"
    return f"at step {divergence.step}: {what}"


def result(found: Reproduction) -> dict[str, Any]:
    """Returns the answer as JSON shows it (DESIGN.md, section 6)."""
    difference = found.first_difference
    return {
        "adapter": found.adapter,
        "version": found.version,
        "level": found.level,
        "identical": found.identical,
        "digest_recorded": found.digest_recorded,
        "digest_rebuilt": found.digest_rebuilt,
        "first_difference": _difference(difference),
        "environment": list(found.environment),
        "promise": found.promise,
        "cause": found.cause,
        "error": None,
    }


def failed(found: NotReproduced) -> str:
    """Returns what stopped one version of a drill, for a person."""
    return f"{found.adapter}@{found.version} could not be reproduced\n  {found.error}"


def failed_result(found: NotReproduced) -> dict[str, Any]:
    """Returns what stopped one version of a drill, in the shape of the others."""
    return {
        "adapter": found.adapter,
        "version": found.version,
        "level": None,
        "identical": False,
        "digest_recorded": None,
        "digest_rebuilt": None,
        "first_difference": None,
        "environment": [],
        "promise": None,
        "cause": None,
        "error": found.error,
    }


def _difference(divergence: Divergence | None) -> dict[str, Any] | None:
    return None if divergence is None else msgspec.to_builtins(divergence._asdict())
