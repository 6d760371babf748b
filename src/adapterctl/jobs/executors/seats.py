"""Trainer commands side by side: one process per GPU, on the CPU one at a time by default."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import TypeVar

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.trainers.command_training import Seat
from adapterctl.stores.processes import told_to_end

T = TypeVar("T")

Train = Callable[[Seat], T]


def gpu_seats(device: str, processes: int | None) -> list[str | None]:
    """Returns the GPU of each seat; ``None`` for a seat that sees what this process sees.

    Args:
        device: ``cpu`` or ``cuda``.
        processes: how many seats; by default one per GPU, on the CPU one.
    """
    from adapterctl.training.determinism import visible_gpus

    found: list[str | None] = list(visible_gpus()) if device.startswith("cuda") else []
    count = processes or max(1, len(found))
    if count == 1:
        return [None]
    return [found[number % len(found)] if found else None for number in range(count)]


def seated(trains: Sequence[tuple[str, Train[T]]], seats: Sequence[str | None]) -> list[T]:
    """Runs trainers by name, as many at once as there are seats; results in their order.

    An interruption ends all that run.

    Args:
        trains: each is handed its seat; what befalls it is in what it returns.
        seats: the GPU of each.
    """
    if len(seats) == 1:
        return [train(Seat(name=name, gpu=seats[0])) for name, train in trains]
    stop, free = threading.Event(), SimpleQueue[str | None]()
    for gpu in seats:
        free.put(gpu)

    def sit(name: str, train: Train[T]) -> T:
        gpu = free.get()
        try:
            if stop.is_set():
                raise AdapterctlError("interrupted", place=name)
            return train(Seat(name=name, gpu=gpu, stop=stop))
        finally:
            free.put(gpu)

    with told_to_end(), ThreadPoolExecutor(len(seats)) as pool:
        going: list[Future[T]] = [pool.submit(sit, name, train) for name, train in trains]
        try:
            for _ in as_completed(going):
                pass
        except BaseException:
            stop.set()
            raise
    return [each.result() for each in going]
