"""Ray clusters that live as long as a test needs them: loopback only, small, gone without a trace.

What a node runs is imported there: nodes are started with the folder of the tests on their path.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from adapterctl.jobs.executors.cluster import OnNode, OnRay
from adapterctl.jobs.executors.job_run import run_jobs
from support.builds import surroundings
from support.places import Node

SMALL = {
    "num_cpus": 1,
    "node_ip_address": "127.0.0.1",
    "object_store_memory": 80 * 1024**2,
    "include_dashboard": False,
}

# A node that is lost may be handed work until it is missed, by default for some twenty seconds.
ATTENTIVE = {
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "200",
    "RAY_health_check_failure_threshold": "3",
}


class Nodes:
    """A cluster of a head and some more nodes, each with one CPU.

    Args:
        folder: where it has its scratch files, and what else Ray would look for at home.
        more: the number of nodes besides the head.
    """

    def __init__(self, folder: Path, *, more: int) -> None:
        from ray.cluster_utils import Cluster

        self.environ = {"HOME": str(folder), "RAY_TMPDIR": str(folder)}
        self.folder = folder
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=SMALL)
        self._more = [self._cluster.add_node(wait=False, **SMALL) for _ in range(more)]
        self._cluster.wait_for_nodes(timeout=60)

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def lose_one(self) -> None:
        """Kills a node that is not the head, with all that runs on it, as when a machine is lost.

        Of the node alone its workers would take notice after ten seconds.
        """
        node = self._more.pop()
        parts = [psutil.Process(process.pid) for _, process in node.live_processes()]
        workers = [worker for part in parts for worker in part.children(recursive=True)]
        self._cluster.remove_node(node, allow_graceful=False)
        for worker in workers:
            with suppress(psutil.NoSuchProcess):
                worker.kill()
        assert not node.live_processes()

    def end(self) -> None:
        self._cluster.shutdown()


@contextmanager
def ray_nodes(*, more: int = 0) -> Iterator[Nodes]:
    """Starts a cluster with home and scratch folders of its own, and removes all of it."""
    # The names of its sockets must be short.
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        patch.setenv("HOME", folder)
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        for name, value in ATTENTIVE.items():
            patch.setenv(name, value)
        at_term = signal.getsignal(signal.SIGTERM)
        nodes = Nodes(Path(folder), more=more)
        try:
            yield nodes
        finally:
            nodes.end()
            signal.signal(signal.SIGTERM, at_term)  # whoever connects gets a handler of Ray's
            _collect()


def _collect() -> None:
    """Ray 2.60 leaves pipes, sockets and processes of its own cluster to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


class OnNodes:
    """A place on a Ray cluster; a worker that is to be lost kills itself.

    Args:
        address: of the cluster.
        folder: where its workers find their orders, and say what they do.

    Attributes:
        pause: at which step workers wait until they may go on; set before `executor`.
    """

    def __init__(self, address: str, folder: Path) -> None:
        folder.mkdir()
        self.preempt: list[int] = []
        self.pause: int | None = None
        self._address, self._folder = address, folder

    @property
    def handed(self) -> list[str]:
        return _lines(self._folder / "handed")

    @property
    def began(self) -> list[int]:
        return [int(line) for line in _lines(self._folder / "began")]

    def executor(self, *, tries: int = 2) -> OnRay:
        (self._folder / "preempt").write_text(json.dumps(self.preempt))
        self.preempt = []
        if self.pause is not None:
            (self._folder / "pause").write_text(str(self.pause))
        return OnRay(self._address, run=_told(self._folder), retries=tries - 1)

    def waiting(self) -> int:
        """Returns how many workers wait."""
        return sum(_lives(int(pid)) for pid in _lines(self._folder / "waiting"))

    def go_on(self) -> None:
        (self._folder / "pause").unlink()


def _told(orders: Path) -> OnNode:
    def run(folders: list[str], now: datetime) -> None:
        work([Path(folder) for folder in folders], orders=orders)

    return run


def work(folders: list[Path], *, orders: Path) -> None:
    """Runs on a node."""
    preempt = json.loads((orders / "preempt").read_text())
    (orders / "preempt").write_text(json.dumps(preempt[1:]))
    for folder in folders:
        _add(orders / "handed", folder.parent.name)
    pause = _lines(orders / "pause")
    last = int(pause[0]) if pause else preempt[0] if preempt else None
    take_away = partial(_wait, orders) if pause else partial(os.kill, os.getpid(), signal.SIGKILL)
    node = Node(last, began=partial(_add, orders / "began"), take_away=take_away)
    run_jobs(folders, surroundings(folders[0], node))


def _wait(orders: Path) -> None:
    if (orders / "pause").exists():
        _add(orders / "waiting", os.getpid())
    while (orders / "pause").exists():
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _add(path: Path, what: object) -> None:
    with path.open("a") as file:
        file.write(f"{what}\n")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
