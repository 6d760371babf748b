"""Many requests at once, and none waited for beyond its time.

The threads of a `ThreadPool` are daemons: one that hangs in a library neither holds up the answer
nor keeps the process from ending, as those of ``concurrent.futures`` would.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Collection, Mapping
from multiprocessing.pool import ThreadPool
from typing import TypeVar

from adapterctl.errors import AdapterctlError, Unreachable
from adapterctl.rules.findings import Skipped, skipped

K = TypeVar("K")
T = TypeVar("T")

WORKERS = 16

TICK_SECONDS = 1.0
"""So often progress is told while nothing is heard."""


class Patience:
    """So many seconds from now on, shared by all that one question asks."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, never fewer than none."""
        return max(0.0, self._end - time.monotonic())

    @property
    def over(self) -> Unreachable:
        """The error for what has not answered by then."""
        return Unreachable(
            f"no answer within {self.seconds:g} s",
            hint="try again, or allow for more: world.seconds in params.yaml",
        )


def answers(
    requests: Mapping[K, Callable[[], T]],
    patience: Patience,
    *,
    workers: int = WORKERS,
    progress: Callable[[int, int], None] | None = None,
) -> dict[K, T | AdapterctlError]:
    """Returns what each request brought, or the error that it ended with.

    Args:
        requests: what to ask, by what the answers are called.
        patience: how long; what has not answered by then is `Patience.over`.
        workers: how many are asked at a time.
        progress: called with the number of answers and of requests, now and then.
    """
    if not requests:
        return {}
    found: dict[K, T | AdapterctlError] = {}
    with ThreadPool(min(workers, len(requests))) as pool:
        heard = pool.imap_unordered(_ask, requests.items())
        while len(found) < len(requests) and patience.left:
            if progress is not None:
                progress(len(found), len(requests))
            try:
                key, answer = heard.next(timeout=min(patience.left, TICK_SECONDS))
            except multiprocessing.TimeoutError:
                continue
            found[key] = answer
    return {key: found.get(key, patience.over) for key in requests}


def _ask(request: tuple[K, Callable[[], T]]) -> tuple[K, T | AdapterctlError]:
    key, ask = request
    try:
        return key, ask()
    except AdapterctlError as error:
        return key, error


def unanswered(place: str, errors: Collection[AdapterctlError], *, of: int, what: str) -> Skipped:
    """Returns one `Skipped` for all that a place did not answer.

    Args:
        place: who was asked.
        errors: what came instead of answers, at least one.
        of: how many were asked.
        what: what they are, as ``objects``.
    """
    first = next(iter(errors))
    number = f" ({len(errors):,} of {of:,} {what})" if of > 1 else ""
    return skipped(place, first, instead=number)
