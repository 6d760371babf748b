"""The door to a Ray cluster: a function that runs on its nodes, again where a node is lost.

Ray is imported here only. It writes a token file into the home directory when a cluster that asks
for one is started.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from typing import Any

from adapterctl.errors import AdapterctlError, Unreachable

_LOOK_SECONDS = 0.5
_KNOCK_SECONDS = 10.0

# Ray speaks gRPC, which is HTTP/2: either side begins with a frame of settings, its fourth byte 4.
_HELLO, _SETTINGS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"\4"

# Whoever reaches a cluster can run code on it: one of this machine alone is for nobody else. The
# switch is called after the platforms where Ray has that as its default. Only paths pass through
# the object store: a container's small /dev/shm is enough.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_SMALL: dict[str, Any] = {"include_dashboard": False, "object_store_memory": 80 * 1024**2}

RETRIES = 3
"""How often a task is begun again when its worker or its node is lost."""


class Cluster:
    """A cluster that is connected to while the context lasts; a process that is connected already
    uses what it has.

    Args:
        address: ``auto`` for the one that runs here, ``HOST:PORT``, or with Ray's own client
            ``ray://HOST:PORT``; ``None`` or ``local`` starts one of this machine alone, whatever
            else runs on it.
    """

    def __init__(self, address: str | None) -> None:
        self._address = None if address == "local" else address

    def __enter__(self) -> Cluster:
        # Ray reads both when it is imported.
        for name, value in ({} if self._address else _ALONE).items():
            os.environ.setdefault(name, value)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        with ExitStack() as opened:
            # Ray writes of workers that died to the standard output, which is for answers.
            opened.enter_context(redirect_stdout(sys.stderr))
            if not ray.is_initialized():
                self._connect()
                opened.callback(ray.shutdown)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _connect(self) -> None:
        import ray
        from ray.exceptions import RayError

        logging.getLogger("ray").setLevel(logging.ERROR)
        try:
            _must_answer(self._address)
            ray.init(
                address=self._address or "local",
                log_to_driver=False,
                configure_logging=False,
                **({} if self._address else _SMALL),
            )
        except (OSError, RuntimeError, ValueError, RayError) as error:
            what = "answers" if self._address else "can be started"
            raise Unreachable(
                f"no Ray cluster {what}: {(str(error) or repr(error)).splitlines()[0]}",
                place=f"--address {self._address}" if self._address else "--executor ray",
                hint="ray start --head starts one and says its address",
            ) from None

    def nodes(self, resource: str) -> int:
        """Returns how many nodes have some of a resource: ``CPU`` or ``GPU``."""
        import ray

        alive = (node for node in ray.nodes() if node["Alive"])
        return sum(1 for node in alive if node["Resources"].get(resource, 0) > 0)

    def run(
        self,
        function: Callable[..., Any],
        calls: Sequence[tuple[Any, ...]],
        *,
        gpus: int = 0,
        retries: int = RETRIES,
        meanwhile: Callable[[], None],
    ) -> Iterator[tuple[int, Any]]:
        """Calls a function on the nodes; yields the number of a call and what it returned, or how
        it was lost for good.

        Args:
            function: one that the nodes can import.
            calls: its arguments, call by call.
            gpus: how many GPUs a call needs; it needs one CPU besides.
            retries: how often a call is begun again when its worker or its node is lost.
            meanwhile: is called now and then.
        """
        import ray
        from ray.exceptions import RayError

        task = ray.remote(
            max_retries=retries, num_cpus=1, num_gpus=gpus, scheduling_strategy="SPREAD"
        )(function)
        going = {task.remote(*arguments): number for number, arguments in enumerate(calls)}
        while going:
            done, _ = ray.wait(list(going), timeout=_LOOK_SECONDS)
            meanwhile()
            for reference in done:
                number = going.pop(reference)
                try:
                    yield number, ray.get(reference)
                except RayError as error:
                    yield number, AdapterctlError(_lost(error), hint="ray status, ray logs")


def _must_answer(address: str | None) -> None:
    """Knocks at the door first: Ray itself goes on trying for eight minutes.

    Raises:
        OSError: nobody opens, or somebody else.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    with socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS) as door:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return
        door.sendall(_HELLO)
        if door.makefile("rb").read(4)[3:] != _SETTINGS:
            raise ConnectionError("what listens there is no Ray")


def _lost(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"a worker was lost: {lines[-1] if lines else type(error).__name__}"
