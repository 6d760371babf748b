"""The door to a Ray cluster: a function that runs on its nodes, again where a node is lost.

Ray is imported here only. It writes a token file into the home directory when a cluster that asks
for one is started.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from adapterctl.errors import AdapterctlError, Unreachable

_LOOK_SECONDS = 0.5
_KNOCK_SECONDS = 10.0

RETRIES = 3
"""How often a task is begun again when its worker or its node is lost."""


class Cluster:
    """A cluster that is connected to while the context lasts.

    Args:
        address: ``auto`` for the one that runs here, ``HOST:PORT``, or ``ray://HOST:PORT``;
            ``None`` starts one of this machine alone.
    """

    def __init__(self, address: str | None) -> None:
        self._address = address

    def __enter__(self) -> Cluster:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        own = {} if self._address else {"include_dashboard": False}
        try:
            _must_answer(self._address)
            ray.init(
                address=self._address,
                log_to_driver=False,
                logging_level="ERROR",
                configure_logging=False,
                **own,
            )
        except (ConnectionError, TimeoutError, socket.gaierror) as error:
            raise Unreachable(
                f"no Ray cluster answers: {str(error).splitlines()[0]}",
                place=f"--address {self._address}",
                hint="ray start --head starts one and says its address",
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        ray.shutdown()

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
        meanwhile: Callable[[], None],
    ) -> Iterator[tuple[int, Any]]:
        """Calls a function on the nodes; yields the number of a call and what it returned, or how
        it was lost for good.

        Args:
            function: one that the nodes can import.
            calls: its arguments, call by call.
            gpus: how many GPUs a call needs; it needs one CPU besides.
            meanwhile: is called now and then.
        """
        import ray
        from ray.exceptions import RayError

        task = ray.remote(
            max_retries=RETRIES, num_cpus=1, num_gpus=gpus, scheduling_strategy="SPREAD"
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
        OSError: nobody opens.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS).close()


def _lost(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"a worker was lost: {lines[-1] if lines else type(error).__name__}"
