"""What a version's probe says in the running environment, as text and JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from adapterctl.rules.outcomes import Behaviour
from adapterctl.rules.probe import Moved

NAMED = 5


def text(found: Behaviour) -> str:
    """Returns the answer for a person."""
    verdict = "behaves as recorded" if found.same else "MOVED"
    lines = [f"{found.adapter}@{found.version} {verdict}"]
    lines += [f"  {aspect.aspect:<9} {_shown(aspect)}" for aspect in found.aspects]
    lines += [f"  changed   {line}" for line in found.environment]
    if not found.same and not found.environment:
        lines.append("  changed   nothing in the environment that is known to change results")
    return "\n".join(lines)


def _shown(aspect: Moved) -> str:
    if not aspect.moved:
        return f"the same in {aspect.rows} rows"
    named = ", ".join(aspect.moved[:NAMED]) + (", ..." if len(aspect.moved) > NAMED else "")
    far = "" if aspect.largest is None else f"; scores by up to {aspect.largest:.2g}"
    return f"{len(aspect.moved)} of {aspect.rows} rows moved ({named}){far}"


def result(found: Behaviour) -> dict[str, Any]:
    """Returns the answer as JSON shows it."""
    return {
        "adapter": found.adapter,
        "version": found.version,
        "same": found.same,
        "aspects": [msgspec.to_builtins(aspect) for aspect in found.aspects],
        "environment": list(found.environment),
    }
