"""Killed at any step (SIGKILL) and run again: one version, whole, and nothing left RUNNING."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.killing import KILLED, Change, Place, after, before, run, start
from support.leftovers import Leftovers, left
from support.projects import commit, copied, md5_in_artifact

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

ROUTER = "registry/adapters/router/recipe.yaml"
REGISTER = ("register", ROUTER)
REBUILD = ("rebuild", "router", "--to", "new-base")

# Looking for a place is slow, so it begins when the first file of such a name is changed.
TRACKED = "data/.gitignore"
ANSWERED = "answers"
LEARNING, LEARNT = ".step-00000004", ".step-00000012"
MADE = "version/adapter"
FILED = "project/registry/adapters/router/."

PINNING = {
    "one of the data sets is tracked": after(
        "adapterctl.stores.dvc.repository:track", since=TRACKED
    ),
    "the data are pinned": after("adapterctl.jobs.inputs.pinning:pin_data", since=TRACKED),
}
BUILDING = {
    "a checkpoint is being written": after(
        "adapterctl.training.learning.checkpoints:_sha256", since=LEARNING
    ),
    "a checkpoint is written": after(
        "adapterctl.training.learning.checkpoints:save", since=LEARNING
    ),
    "the adapter is trained": after("adapterctl.training.learning.fleet:train", since=LEARNT),
    "predictions are being written": after(
        "adapterctl.stores.files:_temporary", path="gold.jsonl", since=MADE
    ),
    "the version is assembled": after("adapterctl.jobs.filing:assemble", since=MADE),
    "the artifact is in the cache": after("adapterctl.stores.dvc.store:add_folder", since=MADE),
    "the artifact is stored": after("adapterctl.jobs.filing:store", since=MADE),
    "the record is being claimed": after("adapterctl.stores.files:_temporary", since=FILED),
}
FILING = {
    "the record is claimed": after("adapterctl.stores.registry.door:claim", since=FILED),
    "the pointer is written": after("adapterctl.stores.dvc.store:write_pointer", since=FILED),
    "the lock is filed": after("adapterctl.jobs.environment_lock:file", since=FILED),
    "the stages are written": after("adapterctl.jobs.stages:enlist", since=FILED),
    "the run is made": after("adapterctl.stores.mlflow.runs:_create", since=FILED),
    "the run is filled": after("adapterctl.stores.mlflow.runs:_upload", since=FILED),
    "the model is made": after("adapterctl.stores.mlflow.versions:create_model", since=FILED),
    "the version is mirrored": after("adapterctl.stores.mlflow.versions:add", since=FILED),
    "the aliases are mirrored": after("adapterctl.stores.mlflow.versions:set_aliases", since=FILED),
}
REBUILDING = {
    "the plan is noted": after("adapterctl.jobs.journal:note", since="journal.jsonl"),
    "the old side has answered": before("adapterctl.jobs.executors.here:build_all", since=ANSWERED),
    **BUILDING,
    **FILING,
    "the candidate is to be noted": before(
        "adapterctl.stores.registry.door:append_event", since=FILED
    ),
    "the candidate is noted": after("adapterctl.stores.registry.door:append_event", since=FILED),
    "the mirror is to be noted": before("adapterctl.jobs.rebuild:_mirrored", since=FILED),
}
del REBUILDING["the model is made"]  # It is there since the registration.

EVERY_STEP = ["planned", "old side run", "trained", "judged", "filed", "candidate", "mirrored"]
FOUND_AGAIN = ["planned", "filed", "candidate", "mirrored"]
FOUND = {*FILING, "the candidate is to be noted", "the candidate is noted"} | {
    "the mirror is to be noted"
}


def cases(places: dict[str, Place], ordinary: set[str]) -> list[Any]:
    """Returns a test case for each place; those that are not ordinary are slow."""
    assert ordinary <= places.keys()
    return [
        pytest.param(name, marks=[] if name in ordinary else [pytest.mark.slow]) for name in places
    ]


def ran(root: Path, *words: str) -> Path:
    done = run(root, *words)
    assert done.status == 0, done.said
    return root


def killed(root: Path, *words: str, at: Place) -> Leftovers:
    """Runs a command that is killed; returns what that leaves."""
    done = run(root, *words, kill=at)
    assert done.status == KILLED, done.said
    return left(root)


def test_an_uninterrupted_registration_leaves_one_version_and_nothing_else(whole: Path) -> None:
    found = left(whole)
    assert list(found.versions) == [1]
    assert found.runs == [("FINISHED", "active")]
    assert found.mirrored == [(1, "FINISHED", True)]
    assert found.losses == [12]
    assert found.locks == {1: found.versions[1]["lock"].sha256}
    assert (found.lost, found.scratch, found.events) == ([], [], [])


ORDINARY = {
    "a checkpoint is being written",
    "predictions are being written",
    "the record is claimed",
    "the run is filled",
}


@pytest.mark.parametrize("step", cases(PINNING | BUILDING | FILING, ORDINARY))
def test_a_killed_registration_ends_as_if_it_had_not_been(
    step: str, template: Path, whole: Path, tmp_path: Path
) -> None:
    root = copied(template, tmp_path)
    between = killed(root, *REGISTER, at=(PINNING | BUILDING | FILING)[step])
    assert set(between.versions) == ({1} if step in FILING else set())
    assert ran(root, *REGISTER)
    assert left(root) == left(whole)


@pytest.mark.slow
def test_a_registration_may_die_before_any_change_to_its_files(
    template: Path, whole: Path, tmp_path: Path
) -> None:
    assert survived(template, whole, tmp_path, changes="/project", stride=23) > 10


def test_an_object_is_in_the_remote_whole_or_not_at_all(
    template: Path, whole: Path, tmp_path: Path
) -> None:
    assert survived(template, whole, tmp_path, changes=r"/project-storage/.*\.dir$", stride=1)


@pytest.mark.slow
def test_an_object_is_in_the_cache_whole_or_not_at_all(
    template: Path, whole: Path, tmp_path: Path
) -> None:
    md5 = md5_in_artifact(whole, left(whole).pointers[1], "trail.jsonl")
    changes = rf"/project/\.dvc/cache/.*/{md5[2:]}$"
    assert survived(template, whole, tmp_path, changes=changes, stride=1)


@pytest.mark.slow
def test_the_data_stay_in_the_workspace(template: Path, whole: Path, tmp_path: Path) -> None:
    assert survived(template, whole, tmp_path, changes=r"/project/data/", stride=1)


def survived(template: Path, whole: Path, folder: Path, *, changes: str, stride: int) -> int:
    """Kills registrations before each n-th change to some paths; returns how many it took."""
    deaths, nth = 0, 1
    while True:
        place = folder / str(nth)
        root = copied(template, place)
        kill = Change(pattern=f"^{re.escape(str(place))}{changes}", nth=nth)
        done = run(root, *REGISTER, kill=kill)
        if done.status == 0:
            return deaths
        assert done.status == KILLED, done.said
        ran(root, *REGISTER)
        assert left(root) == left(whole), f"killed before change {nth}"
        deaths, nth = deaths + 1, nth + stride


RESUMED = {"the candidate is to be noted"}
STARTED_OVER = {"a checkpoint is written"}


@pytest.mark.parametrize("step", cases(REBUILDING, RESUMED))
def test_a_killed_rebuild_is_resumed(
    step: str, serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    killed(root, *REBUILD, at=REBUILDING[step])
    assert ran(root, *REBUILD, "--resume")
    check_candidate(left(root), left(rebuilt), journal=EVERY_STEP)


@pytest.mark.parametrize("step", cases(REBUILDING, STARTED_OVER))
def test_a_killed_rebuild_is_started_over(
    step: str, serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    killed(root, *REBUILD, at=REBUILDING[step])
    assert ran(root, *REBUILD)
    journal = FOUND_AGAIN if step in FOUND else EVERY_STEP
    check_candidate(left(root), left(rebuilt), journal=journal)


def check_candidate(found: Leftovers, whole: Leftovers, *, journal: list[str]) -> None:
    assert found.events == [("promoted", 1), ("candidate", 2)]
    assert found.aliases == {"champion": 1, "candidate": 2}
    assert found.without("journals") == whole.without("journals")
    assert found.journals == {"router-1-on-new-base": journal}


def test_a_resumed_rebuild_asks_the_old_side_once(serving: Path, tmp_path: Path) -> None:
    root = copied(serving, tmp_path)
    killed(root, *REBUILD, at=REBUILDING["the old side has answered"])
    resumed = run(root, *REBUILD, "--resume")
    assert resumed.status == 0
    assert "candidate on gold" in resumed.said
    assert "old router@1 on gold" not in resumed.said


# Two at once


def test_two_that_register_the_same_five_give_one_version(
    template: Path, whole: Path, tmp_path: Path
) -> None:
    root = copied(template, tmp_path)
    one, other = start(root, *REGISTER), start(root, *REGISTER)
    assert sorted([new(one.done().said), new(other.done().said)]) == [False, True]
    assert left(root) == left(whole)


def new(said: str) -> bool:
    assert "router@1 registered" in said or "router@1 is registered already" in said, said
    return "router@1 registered" in said


def test_two_that_register_different_seeds_give_two_versions(
    template: Path, whole: Path, tmp_path: Path
) -> None:
    root, alone = copied(template, tmp_path / "both"), copied(template, tmp_path / "alone")
    first = start(root, *REGISTER)
    wait_for(lambda: any((root / ".adapterctl" / "work").glob("*/checkpoints")))
    for project in (root, alone):
        recipe = project / ROUTER
        recipe.write_text(recipe.read_text().replace("seed: 7", "seed: 8"))
        commit(project)
    second = start(root, *REGISTER)
    assert (first.done().status, second.done().status) == (0, 0)
    ran(alone, *REGISTER)
    found = left(root)
    assert list(found.versions) == [1, 2] == list(found.pointers)
    assert {each["weights"] for each in found.versions.values()} == {
        left(project).versions[1]["weights"] for project in (whole, alone)
    }
    assert found.mirrored == [(1, "FINISHED", True), (2, "FINISHED", True)]
    assert found.runs == [("FINISHED", "active")] * 2
    assert (found.lost, found.scratch) == ([], [])


def test_two_adapters_registered_at_once_are_both_listed(template: Path, tmp_path: Path) -> None:
    root = copied(template, tmp_path)
    twin = root / "registry" / "adapters" / "twin" / "recipe.yaml"
    twin.parent.mkdir()
    twin.write_text((root / ROUTER).read_text().replace("adapter: router", "adapter: twin"))
    commit(root)
    both = [start(root, *REGISTER), start(root, "register", str(twin))]
    assert [each.done().status for each in both] == [0, 0]
    found = left(root)
    assert sorted(found.adapters) == ["router", "twin"]
    assert sorted(found.stages) == [
        "evaluate-router",
        "evaluate-twin",
        "train-router",
        "train-twin",
    ]
    assert list(left(root, "twin").versions) == [1]


def wait_for(happened: Callable[[], bool], *, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
