"""The door to a Ray cluster: who does not open is said at once; what is ours is for us alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import create_server

import pytest

from adapterctl.errors import Unreachable
from adapterctl.stores import ray as door
from adapterctl.stores.ray import Cluster
from support.loopback import listening

pytest.importorskip("ray", reason="the extra ray is not installed")

HINT = "\n  hint: ray start --head starts one and says its address"


def refusal(address: str) -> str:
    with pytest.raises(Unreachable) as caught, Cluster(address):
        pass
    said = str(caught.value).removeprefix(f"--address {address}: no Ray cluster answers: ")
    assert said.endswith(HINT)
    return said.removesuffix(HINT)


def test_where_nobody_listens_is_said() -> None:
    assert refusal("127.0.0.1:1") == "[Errno 111] Connection refused"


def test_what_listens_and_is_no_ray_is_said() -> None:
    """Ray would try for eight minutes."""
    with listening(BaseHTTPRequestHandler) as port:
        assert refusal(f"127.0.0.1:{port}") == "what listens there is no Ray"


def test_who_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_KNOCK_SECONDS", 0.1)
    with create_server(("127.0.0.1", 0)) as silent:
        assert refusal(f"127.0.0.1:{silent.getsockname()[1]}") == "timed out"


def test_what_is_no_address_is_said() -> None:
    assert refusal("over there") == "Invalid address format: over there"


def test_where_none_can_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_TMPDIR", "/dev/null")
    with pytest.raises(Unreachable) as caught, Cluster(None):
        pass
    assert str(caught.value).startswith("--executor ray: no Ray cluster can be started: ")


ALONE = """
import json, os, sys, psutil
from adapterctl.stores.ray import Cluster

def open_to():
    family = psutil.Process(os.getppid()).children(recursive=True)
    ports = [one for each in family for one in each.net_connections() if one.status == "LISTEN"]
    ips = {one.laddr.ip.removeprefix("::ffff:") for one in ports}
    return sorted(ips), os.environ["RAY_USAGE_STATS_ENABLED"]

with Cluster(None) as cluster:
    [(_, found)] = cluster.run(open_to, [()], meanwhile=lambda: None)
print(json.dumps(found))
"""


def test_a_cluster_of_our_own_is_for_this_machine_alone_and_tells_nobody(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        home = {"HOME": folder, "RAY_TMPDIR": folder}
        program = [sys.executable, "-c", ALONE]
        done = subprocess.run(
            program, env=kept | home, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.stdout == '[["127.0.0.1"], "0"]\n', done.stderr
