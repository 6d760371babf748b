"""A fleet on a Ray cluster of several nodes, one of which is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import Build
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.project import Quiet
from support.builds import build, bytes_of
from support.tiny_bases import tiny_bert

pytest.importorskip("ray", reason="the extra ray is not installed")

from adapterctl.jobs.executors.cluster import OnRay

pytestmark = [
    pytest.mark.slow,
    # Ray 2.60 leaves pipes, sockets and processes of its own cluster to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

NAMES = ("one", "two", "three", "four")
LONG = {"max_steps": 240, "save_steps": 20, "logging_steps": 40}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bases") / "bert")


class Nodes:
    """A cluster with a head that trains nothing, and two nodes that do."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        self.workers = [self.cluster.add_node(num_cpus=1) for _ in range(2)]
        self.cluster.wait_for_nodes()

    def lose_one(self) -> None:
        self.cluster.remove_node(self.workers.pop(), allow_graceful=False)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        made = Nodes()
        yield made
        made.cluster.shutdown()


class WithAnAccident(Quiet):
    """Loses a node when all adapters that run have taken some steps."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes, self.seen, self.lost_at = nodes, {}, None
        self.steps: list[tuple[str, int]] = []

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        self.seen[slot] = done
        self.steps.append((slot, done))
        if self.lost_at is None and len(self.seen) == len(NAMES) and min(self.seen.values()) > 40:
            self.lost_at = dict(self.seen)
            self.steps.clear()
            self.nodes.lose_one()


def builds(folder: Path, base: Path, display: Quiet) -> list[Build]:
    return [build(folder, base, name, display=display, **LONG) for name in NAMES]


def test_a_worker_that_is_lost_is_replaced_and_goes_on_and_no_byte_is_another(
    nodes: Nodes, base: Path, tmp_path: Path
) -> None:
    by_itself = [
        bytes_of(Here().build([each])[0]) for each in builds(tmp_path / "here", base, Quiet())
    ]
    display = WithAnAccident(nodes)
    broken = build(tmp_path, base, "broken", display=display, lora={"target_modules": ["nowhere"]})
    wanted = [*builds(tmp_path, base, display), broken]
    *made, stopped = OnRay(nodes.cluster.address).build(wanted)
    assert [bytes_of(each) for each in made] == by_itself
    assert display.lost_at is not None and max(display.lost_at.values()) < LONG["max_steps"]
    assert min(done for _, done in display.steps) > 40, "they went on from their checkpoints"
    assert isinstance(stopped, AdapterctlError) and stopped.problems[0].place == "broken@1: lora"
    assert len(nodes.workers) == 1
    again = [replace(each, place=replace(each.place, display=Quiet())) for each in wanted[:4]]
    assert [bytes_of(each) for each in OnRay(nodes.cluster.address).build(again)] == by_itself


def test_a_cluster_that_does_not_answer_is_said(base: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterctlError) as caught:
        OnRay("127.0.0.1:1").build([build(tmp_path, base, "one")])
    assert str(caught.value) == (
        "--address 127.0.0.1:1: no Ray cluster answers: [Errno 111] Connection refused\n"
        "  hint: ray start --head starts one and says its address"
    )
