"""Where builds run is of no matter to what they give: one contract for every executor."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError, MissingExtra
from adapterctl.jobs.executors.chosen import executor
from adapterctl.jobs.executors.command import ByCommand
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.executors.job_folder import lay_out
from adapterctl.jobs.executors.job_run import run_jobs
from adapterctl.jobs.project import Quiet
from adapterctl.jobs.trail_file import read_trail
from adapterctl.stores.ray import Cluster
from support.builds import build, bytes_of, surroundings
from support.places import Place, Preempted, ThisProcess
from support.ray_nodes import OnNodes, ray_nodes
from support.scheduler import Scheduler
from support.tiny_bases import tiny_bert

NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bases") / "bert")


@pytest.fixture(scope="module")
def by_itself(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The bytes of each adapter, built by itself in this process."""
    folder = tmp_path_factory.mktemp("solo")
    return {name: bytes_of(Here().build([build(folder, base, name)])[0]) for name in NAMES}


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    with Scheduler(tmp_path / "a queue", preempt=[]) as made:
        yield made


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster that stays connected: its worker imports torch once."""
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with ray_nodes() as nodes, Cluster(nodes.address):
        yield nodes.address


def place_named(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    match name:
        case "here":
            return ThisProcess()
        case "command":
            scheduler: Scheduler = request.getfixturevalue("scheduler")
            return scheduler
        case _:
            return OnNodes(request.getfixturevalue("cluster"), tmp_path / "orders")


@pytest.fixture(params=["here", "command", "ray"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return place_named(request.param, request, tmp_path)


@pytest.fixture(params=["command", "ray"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return place_named(request.param, request, tmp_path)


# Everywhere


def test_outcomes_come_in_order_with_the_bytes_of_a_build_by_itself_and_errors_alone(
    place: Place, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    builds = [build(tmp_path, base, name) for name in NAMES]
    broken = build(tmp_path, base, "broken", lora={"target_modules": ["nowhere"]})
    one, stopped, two, three = place.executor().build([builds[0], broken, *builds[1:]])
    assert [bytes_of(each) for each in (one, two, three)] == list(by_itself.values())
    assert isinstance(stopped, AdapterctlError)
    assert stopped.problems[0].place == "broken@1: lora"
    assert "No modules were targeted" in stopped.problems[0].what
    for each, made in zip(builds, (one, two, three), strict=True):
        assert made.folder == each.work / "adapter"
        assert len(read_trail(made.folder / "trail.jsonl")) == len(made.trail) == 12
        assert made.facts.training.steps == 12
        assert set(made.facts.prepared) == {"train", "gold"}
        assert made.sources.rows == each.sources.rows


def test_rows_that_are_held_out_are_looked_at_and_not_learned(
    place: Place, base: Path, tmp_path: Path
) -> None:
    whole = build(tmp_path, base, "one")
    [made] = place.executor().build([replace(whole, held=frozenset(range(0, 48, 4)))])
    assert made.held_loss is not None and made.facts.training.rows == 36


def test_what_was_interrupted_goes_on_when_it_is_handed_in_again(
    place: Place,
    base: Path,
    by_itself: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wanted = [build(tmp_path, base, "one")]
    place.preempt = [7]
    with suppress(Preempted):
        [stopped] = place.executor(tries=1).build(wanted)
        assert isinstance(stopped, AdapterctlError)
        assert stopped.problems[0].place == "one@1"
    assert capsys.readouterr().out == "", "that is for answers"
    [made] = place.executor().build(wanted)
    assert bytes_of(made) == by_itself["one"]
    assert (place.handed, place.began) == (["one", "one"], [1, 5])


def test_another_build_in_the_same_place_begins_anew(
    place: Place, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    place.executor().build([build(tmp_path, base, "one", learning_rate=1e-3)])
    [made] = place.executor().build([build(tmp_path, base, "one")])
    assert bytes_of(made) == by_itself["one"]


def test_a_refusal_is_the_outcome_and_is_not_tried_twice(
    place: Place, base: Path, tmp_path: Path
) -> None:
    broken = build(tmp_path, base, "broken", lora={"target_modules": ["nowhere"]})
    [stopped] = place.executor().build([broken])
    [as_here] = Here().build([broken])
    assert str(stopped) == str(as_here)
    assert place.handed == ["broken"]


# Elsewhere


def test_a_job_that_dies_begins_again_and_goes_on_from_its_checkpoint(
    elsewhere: Place, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    elsewhere.preempt = [7]
    said = Said()
    [made] = elsewhere.executor().build([build(tmp_path, base, "one", display=said)])
    assert bytes_of(made) == by_itself["one"]
    assert (elsewhere.handed, elsewhere.began) == (["one", "one"], [1, 5])
    assert said.last == ("one@1", 12, 12)


def test_what_was_delivered_is_not_run_again_unless_it_is_damaged(
    elsewhere: Place, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    wanted = [build(tmp_path, base, "one")]
    elsewhere.executor().build(wanted)
    shutil.rmtree(wanted[0].work / "adapter")
    [again] = elsewhere.executor().build(wanted)
    assert (bytes_of(again), elsewhere.handed) == (by_itself["one"], ["one"])
    weights = wanted[0].work / "job/capsule/adapter/adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    [mended] = elsewhere.executor().build(wanted)
    assert (bytes_of(mended), elsewhere.handed) == (by_itself["one"], ["one", "one"])


# How it is said


def test_a_command_that_dies_every_time_is_said(
    scheduler: Scheduler, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    said = Said()
    wanted = [build(tmp_path, base, name, display=said) for name in ("one", "two")]
    scheduler.preempt = [5, 5, 9, 9]
    one, two = scheduler.executor().build(wanted)
    died = "one@1: the command ended with exit status 137 and left no capsule"
    assert str(one) == f"{died}\n  hint: the whole log: {tmp_path}/one/job/log.txt"
    assert isinstance(two, AdapterctlError)
    assert f"{died}; it is handed in once more" in said.lines
    ends = scheduler.executor().build(wanted)
    assert [bytes_of(each) for each in ends] == [by_itself["one"], by_itself["two"]]
    assert scheduler.began == [1, 1, 5, 5, 9, 9]


def test_a_command_that_is_not_installed_is_named(base: Path, tmp_path: Path) -> None:
    executor = ByCommand("no-such-sbatch {job}", at_once=1, tries=2)
    [stopped] = executor.build([build(tmp_path, base, "one")])
    assert str(stopped) == (
        "params.yaml: executor.command: cannot start no-such-sbatch: No such file or directory\n"
        "  hint: name a program that is installed here"
    )


def test_only_ray_needs_ray(
    scheduler: Scheduler,
    base: Path,
    by_itself: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for place in (ThisProcess(), scheduler):
        [made] = place.executor().build([build(tmp_path / type(place).__name__, base, "one")])
        assert bytes_of(made) == by_itself["one"]
    with pytest.raises(MissingExtra) as caught:
        executor(surroundings(tmp_path), "ray")
    assert str(caught.value) == (
        "--executor ray needs the extra 'ray', which is not installed\n"
        "  hint: pip install 'adapterctl[ray]'"
    )


# The folder


def test_the_folder_is_all_that_a_job_needs(
    base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    wanted = build(tmp_path / "here", base, "one")
    folder = lay_out(wanted, wanted.work / "job")
    away = tmp_path / "away" / "job"
    shutil.copytree(folder, away)
    shutil.rmtree(wanted.work)
    assert run_jobs([away], surroundings(away)) == [None]
    delivered = json.loads((away / "capsule/capsule.json").read_text())
    assert sorted(delivered["files"]) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "trail.jsonl",
        "training.json",
    ]
    shutil.copytree(away, folder)
    nobody = ByCommand("false {job}", at_once=1, tries=1)
    [made] = nobody.build([wanted])
    assert bytes_of(made) == by_itself["one"]


def test_rows_or_a_base_that_changed_on_the_way_are_refused(base: Path, tmp_path: Path) -> None:
    other = tmp_path / "base"
    shutil.copytree(base, other)
    wanted = build(tmp_path, other, "one")
    folder = lay_out(wanted, wanted.work / "job")
    rows = folder / "rows" / "train.jsonl"
    content = rows.read_bytes()
    rows.write_bytes(content.replace(b"refund", b"REFUND"))
    [stopped] = run_jobs([folder], surroundings(folder))
    assert stopped is not None
    assert stopped.problems[0].what == "not the rows that were handed over"
    rows.write_bytes(content)
    tiny_bert(other, seed=9)
    [stopped] = run_jobs([folder], surroundings(folder))
    assert stopped is not None
    assert stopped.problems[0].what.startswith("the weights of base 'old-base' changed: fp1:")


class Said(Quiet):
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.last: tuple[str, int, int] | None = None

    def say(self, text: str) -> None:
        self.lines.append(text)

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        self.last = (slot, done, total)
