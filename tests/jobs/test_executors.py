"""Where builds run is of no matter to what they give: one contract for every executor."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import Build, Outcome
from adapterctl.jobs.executors import Executor
from adapterctl.jobs.executors.command import ByCommand
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.executors.job_folder import lay_out
from adapterctl.jobs.executors.job_run import run_jobs
from adapterctl.jobs.project import Quiet
from adapterctl.jobs.trail_file import read_trail
from support.builds import build, bytes_of, surroundings
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


def by_command(scheduler: Scheduler, *, tries: int = 2) -> ByCommand:
    return ByCommand(scheduler.template, at_once=2, tries=tries)


@pytest.fixture(params=["here", "command"])
def executor(request: pytest.FixtureRequest, scheduler: Scheduler) -> Executor:
    return Here() if request.param == "here" else by_command(scheduler)


# The contract


def test_outcomes_come_in_order_with_the_bytes_of_a_build_by_itself_and_errors_alone(
    executor: Executor, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    builds = [build(tmp_path, base, name) for name in NAMES]
    broken = build(tmp_path, base, "broken", lora={"target_modules": ["nowhere"]})
    one, stopped, two, three = executor.build([builds[0], broken, *builds[1:]])
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
    executor: Executor, base: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    whole = build(tmp_path, base, "one")
    [made] = executor.build([replace(whole, held=frozenset(range(0, 48, 4)))])
    assert made.held_loss is not None and made.facts.training.rows == 36


# By command


def handed(scheduler: Scheduler, builds: list[Build], **how: int) -> list[Outcome]:
    return by_command(scheduler, **how).build(builds)


def test_a_job_that_dies_is_handed_in_again_and_goes_on_from_its_checkpoint(
    scheduler: Scheduler, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    scheduler.preempt = [7]
    said = Said()
    [made] = handed(scheduler, [build(tmp_path, base, "one", display=said)])
    assert bytes_of(made) == by_itself["one"]
    assert (scheduler.handed, scheduler.began) == (["one", "one"], [1, 5])
    assert [line for line in said.lines if "once more" in line] == [
        "one@1: the command ended with exit status 137 and left no capsule; "
        "it is handed in once more"
    ]
    assert said.last == ("one@1", 12, 12)


def test_what_dies_every_time_is_an_error_and_goes_on_in_the_next_run(
    scheduler: Scheduler, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    scheduler.preempt = [5, 5]
    wanted = [build(tmp_path, base, "one"), build(tmp_path, base, "two")]
    stopped, two = handed(scheduler, wanted, tries=1)
    assert str(stopped) == (
        "one@1: the command ended with exit status 137 and left no capsule\n"
        f"  hint: the whole log: {tmp_path}/one/job/log.txt"
    )
    assert isinstance(two, AdapterctlError)
    ends = handed(scheduler, wanted, tries=1)
    assert [bytes_of(each) for each in ends] == [by_itself["one"], by_itself["two"]]


def test_what_was_delivered_is_not_run_again_unless_it_is_damaged(
    scheduler: Scheduler, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    wanted = [build(tmp_path, base, "one")]
    handed(scheduler, wanted)
    shutil.rmtree(wanted[0].work / "adapter")
    [again] = handed(scheduler, wanted)
    assert (bytes_of(again), scheduler.handed) == (by_itself["one"], ["one"])
    weights = wanted[0].work / "job/capsule/adapter/adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    [mended] = handed(scheduler, wanted)
    assert (bytes_of(mended), scheduler.handed) == (by_itself["one"], ["one", "one"])


def test_another_build_in_the_same_place_begins_anew(
    scheduler: Scheduler, base: Path, by_itself: dict[str, str], tmp_path: Path
) -> None:
    handed(scheduler, [build(tmp_path, base, "one", learning_rate=1e-3)])
    [made] = handed(scheduler, [build(tmp_path, base, "one")])
    assert bytes_of(made) == by_itself["one"]


def test_a_refusal_is_the_outcome_and_is_not_tried_twice(
    scheduler: Scheduler, base: Path, tmp_path: Path
) -> None:
    broken = build(tmp_path, base, "broken", lora={"target_modules": ["nowhere"]})
    [stopped] = handed(scheduler, [broken])
    [as_here] = Here().build([broken])
    assert str(stopped) == str(as_here)
    assert scheduler.handed == ["broken"]


def test_a_command_that_is_not_installed_is_named(base: Path, tmp_path: Path) -> None:
    executor = ByCommand("no-such-sbatch {job}", at_once=1, tries=2)
    [stopped] = executor.build([build(tmp_path, base, "one")])
    assert str(stopped) == (
        "params.yaml: executor.command: cannot start no-such-sbatch: No such file or directory\n"
        "  hint: name a program that is installed here"
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
