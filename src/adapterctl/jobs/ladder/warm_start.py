"""The second rung: training starts from the old adapter's weights, where all shapes agree."""

from __future__ import annotations

from adapterctl.jobs import filing
from adapterctl.jobs.inputs.starting import start_from_weights
from adapterctl.jobs.ladder.climb import Attempt, Climb, Out
from adapterctl.jobs.wishes import Steps
from adapterctl.rules.planning.ladder import WARM_START


def attempt(climb: Climb) -> Steps[Attempt | Out]:
    """Puts the old weights where the build starts; it refuses them if a shape differs."""
    job = climb.job
    old = filing.fetched(job.project, job.record) / "adapter" / "adapter_model.safetensors"
    start_from_weights(job.work(WARM_START), old)
    yield from ()
    return Attempt(rung=WARM_START, sources=climb.sources)
