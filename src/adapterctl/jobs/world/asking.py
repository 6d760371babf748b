"""Many requests at once, and none waited for beyond its time.

The threads are daemons: one that hangs in a library neither holds up the answer nor keeps the
process from ending, as those of ``concurrent.futures`` would.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import TypeAlias, TypeVar

from adapterctl.errors import AdapterctlError, Unreachable
from adapterctl.rules.findings import Skipped, skipped

K = TypeVar("K")
T = TypeVar("T")

WORKERS = 16

TICK_SECONDS = 1.0
"""So often progress is told while nothing is heard."""

Heard: TypeAlias = "queue.SimpleQueue[tuple[K, Future[T]]]"


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
    waiting: queue.SimpleQueue[tuple[K, Callable[[], T]]] = queue.SimpleQueue()
    heard: Heard[K, T] = queue.SimpleQueue()
    for request in requests.items():
        waiting.put(request)
    for _ in range(min(workers, len(requests))):
        threading.Thread(target=_work, args=(waiting, heard, patience), daemon=True).start()
    found: dict[K, T | AdapterctlError] = {}
    while len(found) < len(requests):
        if progress is not None:
            progress(len(found), len(requests))
        try:
            key, future = heard.get(timeout=min(patience.left, TICK_SECONDS))
            found[key] = future.result()
        except queue.Empty:
            if not patience.left:
                break
        except AdapterctlError as error:
            found[key] = error
    return {key: found.get(key, patience.over) for key in requests}


def _work(
    waiting: queue.SimpleQueue[tuple[K, Callable[[], T]]], heard: Heard[K, T], patience: Patience
) -> None:
    while patience.left:
        try:
            key, ask = waiting.get_nowait()
        except queue.Empty:
            return
        future: Future[T] = Future()
        try:
            future.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that asked
            future.set_exception(error)
        heard.put((key, future))


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
