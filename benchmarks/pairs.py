"""Two commands timed in turn, as whole processes: ratios hold when the machine's speed drifts."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence
from typing import Any


def seconds(command: Sequence[str]) -> float:
    """Returns the wall-clock time of one whole process."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def compare(ours: Sequence[str], other: Sequence[str], *, runs: int) -> dict[str, Any]:
    """Returns medians, ranges and the median of the paired ratios ours / other."""
    seconds(ours), seconds(other)
    pairs = [(seconds(ours), seconds(other)) for _ in range(runs)]
    ratios = [a / b for a, b in pairs]
    return {
        "runs": runs,
        "ours": spread([a for a, _ in pairs]),
        "other": spread([b for _, b in pairs]),
        "ratio": spread(ratios),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns minimum, median and maximum."""
    named = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return {name: round(value, 4) for name, value in named.items()}
