"""Fleets on a Ray cluster of several nodes, until one is lost, and on a cluster of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import Build
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.project import Quiet
from support.builds import build, bytes_of
from support.killing import run
from support.leftovers import left
from support.projects import copied
from support.ray_nodes import Nodes, OnNodes, ray_nodes
from support.tiny_bases import tiny_bert

pytest.importorskip("ray", reason="the extra ray is not installed")

NAMES = ("one", "two", "three", "four")
FLEET = ("rebuild", "--on-base", "old-base", "--to", "new-base", "--executor", "ray")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with ray_nodes(more=1) as made:
        yield made


# From the command line


def test_a_fleet_on_a_running_cluster_leaves_what_one_here_leaves(
    nodes: Nodes, serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    done = run(root, *FLEET, "--address", nodes.address, environ=nodes.environ)
    assert done.status == 0, done.said
    assert left(root) == left(rebuilt)
    assert len(sessions(nodes)) == 1


def test_without_an_address_a_cluster_is_started_and_ended_again(
    nodes: Nodes, serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    """Also where another one runs, which Ray by itself would join."""
    root = copied(serving, tmp_path)
    before = sessions(nodes)
    done = run(root, *FLEET, environ=nodes.environ)
    assert done.status == 0, done.said
    assert left(root) == left(rebuilt)
    [own] = sessions(nodes) - before
    assert not [process for process in psutil.process_iter() if own in " ".join(said(process))]


def sessions(nodes: Nodes) -> set[str]:
    """Returns the names of the clusters that were started in the folder."""
    return {path.name for path in nodes.folder.glob("ray/session_2*")}


def said(process: psutil.Process) -> list[str]:
    """Returns the words of a process; none when it is gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


# A node is lost


class WithAnAccident(Quiet):
    """Loses a node when workers on both are in the middle of a step; one goes on, one dies."""

    def __init__(self, nodes: Nodes, place: OnNodes) -> None:
        self._nodes, self._place = nodes, place
        self.lost = self.went_on = False

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        waiting = self._place.waiting()
        if not self.lost and waiting == 2:
            self.lost = True
            self._nodes.lose_one()
        elif self.lost and waiting == 1 and not self.went_on:
            self.went_on = True
            self._place.go_on()


def builds(folder: Path, base: Path, display: Quiet) -> list[Build]:
    return [build(folder, base, name, display=display) for name in NAMES]


def test_a_node_that_is_lost_is_replaced_and_its_adapters_go_on_and_no_byte_is_another(
    nodes: Nodes, tmp_path: Path
) -> None:
    base = tiny_bert(tmp_path / "bert")
    by_itself = [
        bytes_of(Here().build([each])[0]) for each in builds(tmp_path / "here", base, Quiet())
    ]
    place = OnNodes(nodes.address, tmp_path / "orders")
    place.pause = 7
    display = WithAnAccident(nodes, place)
    broken = build(tmp_path, base, "broken", display=display, lora={"target_modules": ["nowhere"]})
    *made, stopped = place.executor().build([*builds(tmp_path, base, display), broken])
    assert [bytes_of(each) for each in made] == by_itself
    assert isinstance(stopped, AdapterctlError) and stopped.problems[0].place == "broken@1: lora"
    assert display.lost
    assert sorted(place.began) == [1, 1, 1, 1, 5, 5], "two went on from their checkpoints"
