"""The first rung: the old recipe, mapped to the successor."""

from __future__ import annotations

from adapterctl.jobs.ladder.climb import Attempt, Climb, Out
from adapterctl.jobs.wishes import Steps
from adapterctl.rules.planning.ladder import CARRIED


def attempt(climb: Climb) -> Steps[Attempt | Out]:
    """Returns the carried recipe as it is."""
    yield from ()
    return Attempt(rung=CARRIED, sources=climb.sources)
