"""Work on many small things, shared with copies of this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

PARTS = 8
"""For each process: the last to end keeps the others waiting for one part alone."""

MOST = 8
"""Processes; beyond, they wait for the same disk."""


def shared(work: Callable[[Sequence[str]], bytes], names: Sequence[str]) -> Iterator[bytes]:
    """Yields what ``work`` makes of each part of ``names``, in their order.

    Copies are made by fork, which takes milliseconds and asks nothing of the program that this is
    part of; where that cannot be done, or is not safe (other threads run), the work is done here.
    """
    workers = min(_cores(), MOST)
    size = max(1, -(-len(names) // (workers * PARTS)))
    parts = [names[begin : begin + size] for begin in range(0, len(names), size)]
    if workers == 1 or not _can_fork():
        yield from map(work, parts)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(work, parts)


def beside(work: Callable[[], bytes]) -> Callable[[], bytes]:
    """Begins ``work`` in a copy of this process; what is returned waits for its result.

    Where no copy can be made, or it fails, the work is done here when its result is asked for.
    """
    if _cores() == 1 or not _can_fork():
        return work
    reading, writing = os.pipe()
    copy = os.fork()
    if copy == 0:
        _deliver(work, writing)
    os.close(writing)

    def result() -> bytes:
        with os.fdopen(reading, "rb") as pipe:
            content = pipe.read()
        _, status = os.waitpid(copy, 0)
        return content if status == 0 else work()

    return result


def _deliver(work: Callable[[], bytes], writing: int) -> NoReturn:
    """Writes what work returns, and ends this copy: nothing else of the program is its to do."""
    status = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(work())
        status = 0
    finally:
        os._exit(status)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _can_fork() -> bool:
    return hasattr(os, "sched_getaffinity") and threading.active_count() == 1
