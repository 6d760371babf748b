"""The first rung: the old recipe, mapped to the successor."""

from __future__ import annotations

from adapterctl.jobs.ladder.climb import Attempt, Climb, Out
from adapterctl.rules.planning.ladder import CARRIED


def attempt(climb: Climb) -> Attempt | Out:
    """Returns the carried recipe as it is."""
    return Attempt(rung=CARRIED, sources=climb.sources)
