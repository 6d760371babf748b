"""A rebuild that dies at each step of its journal, or at any moment, or loses what it stands on."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from adapterctl.jobs.journal import Journal
from support.killing import KILLED, Change, Place, after, before, run, start
from support.leftovers import Leftovers, left
from support.mlflow_servers import Server
from support.projects import copied

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

RECIPE = "registry/adapters/router/recipe.yaml"
REBUILD = ("rebuild", "router", "--to", "new-base")
JOURNAL = "/journal.jsonl$"
NOTED = "adapterctl.jobs.journal:note"


def survived(root: Path, whole: Path) -> None:
    """Resumes, and compares all that is left with what an uninterrupted rebuild leaves.

    One candidate with the same bytes, a complete journal, no run of MLflow's left over.
    """
    done = run(root, *REBUILD, "--resume")
    assert done.status == 0, done.said
    assert left(root) == left(whole)


def steps(whole: Path) -> int:
    [journal] = left(whole).journals.values()
    return len(journal)


# Killed


def test_it_may_die_before_a_step_is_noted(serving: Path, rebuilt: Path, tmp_path: Path) -> None:
    root = copied(serving, tmp_path)
    kill = Change(pattern=JOURNAL, nth=steps(rebuilt) - 3)
    assert run(root, *REBUILD, kill=kill).status == KILLED
    survived(root, rebuilt)


@pytest.mark.slow
def test_it_may_die_before_and_after_each_step_is_noted(
    serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    for nth in range(1, steps(rebuilt) + 1):
        for when, kill in (
            ("before", Change(pattern=JOURNAL, nth=nth)),
            ("after", after(NOTED, since="journal.jsonl", nth=nth)),
        ):
            root = copied(serving, tmp_path / f"{when} {nth}")
            assert run(root, *REBUILD, kill=kill).status == KILLED, (when, nth)
            survived(root, rebuilt)
            shutil.rmtree(root.parent)


@pytest.mark.slow
def test_it_may_die_at_any_moment_and_again_when_it_is_resumed(
    serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    began = time.monotonic()
    assert run(copied(serving, tmp_path / "timed"), *REBUILD).status == 0
    lasts = time.monotonic() - began
    chance = random.Random(20261123)
    deaths = 0
    for number in range(4):
        root = copied(serving, tmp_path / str(number))
        for words in (REBUILD, (*REBUILD, "--resume")):
            running = start(root, *words)
            time.sleep(chance.uniform(0.05, 0.95) * lasts)
            deaths += running.kill().status == KILLED
        survived(root, rebuilt)
        shutil.rmtree(root.parent)
    assert deaths > 4


def test_a_finished_rebuild_keeps_its_journal_when_it_is_resumed(
    rebuilt: Path, tmp_path: Path
) -> None:
    survived(copied(rebuilt, tmp_path), rebuilt)


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    for cut in (b'{"step": "trai', b""):
        folder = tmp_path / str(len(cut))
        Journal(folder).note("planned", at="2026-11-23T09:00:00Z")
        path = folder / "journal.jsonl"
        path.write_bytes(path.read_bytes() + cut if cut else path.read_bytes()[:-1])
        Journal(folder).note("trained", at="2026-11-23T10:00:00Z")
        assert list(Journal(folder).steps) == ["planned", "trained"]


# A damaged checkpoint


def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    second = after("adapterctl.training.learning.checkpoints:save", since=".step-00000008")
    assert run(root, *REBUILD, kill=second).status == KILLED
    states = sorted((root / ".adapterctl/rebuilds").glob("**/checkpoints/**/state.pt"))
    assert [path.parent.name for path in states] == ["step-00000004", "step-00000008"]
    raw = bytearray(states[-1].read_bytes())
    raw[len(raw) // 2] ^= 1
    states[-1].write_bytes(raw)
    survived(root, rebuilt)


# MLflow


@pytest.mark.slow
def test_a_database_that_is_locked_half_way_leaves_the_mirror_to_be_resumed(
    serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    filed = after("adapterctl.jobs.stages:enlist", since="project/registry/adapters/router/.")
    assert run(root, *REBUILD, kill=filed).status == KILLED
    with closing(sqlite3.connect(root / ".adapterctl" / "mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = run(root, *REBUILD, "--resume")
    assert done.status == 0, done.said
    assert "the MLflow mirror is pending: " in done.said
    between = left(root)
    assert (list(between.versions), [v for v, *_ in between.mirrored]) == ([1, 2], [1])
    assert "mirrored" not in next(iter(between.journals.values()))
    survived(root, rebuilt)


@pytest.mark.slow
def test_a_database_that_is_gone_half_way_is_filled_again(
    serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    filled = after("adapterctl.stores.mlflow.runs:_upload", since="project/registry/adapters")
    assert run(root, *REBUILD, kill=filled).status == KILLED
    (root / ".adapterctl" / "mlflow.db").unlink()
    survived(root, rebuilt)


MIRRORING = "project/registry/adapters/router/."
SERVED = {
    "the run is made": after("adapterctl.stores.mlflow.runs:_create", since=MIRRORING),
    "the run is filled": after("adapterctl.stores.mlflow.runs:_upload", since=MIRRORING),
    "the version is made": after("adapterctl.stores.mlflow.versions:add", since=MIRRORING),
    "aliases are to be set": before(
        "adapterctl.stores.mlflow.versions:set_aliases", since=MIRRORING
    ),
}


@pytest.mark.slow
def test_a_server_that_is_killed_half_way_gets_the_rest_when_it_is_back(
    template: Path, rebuilt: Path, tmp_path: Path
) -> None:
    # Its faster sibling, where no server ever answers: test_surroundings, "MLflow out of reach".
    first = Server(tmp_path / "server")
    root = copied(template, tmp_path / "serving")
    with first:
        for words in (("register", RECIPE), ("promote", "router@1")):
            done = run(root, *words, environ={"MLFLOW_TRACKING_URI": first.uri})
            assert done.status == 0, done.said
    for when, kill in SERVED.items():
        folder = tmp_path / when
        shutil.copytree(first.folder, folder / "server")
        with Server(folder / "server") as server:
            assert mended(copied(root, folder), server, kill) == left(rebuilt), when


def mended(root: Path, server: Server, kill: Place) -> Leftovers:
    """Kills the server during a rebuild, and resumes that with the server up again."""
    environ = {"MLFLOW_TRACKING_URI": server.uri}
    done = run(root, *REBUILD, kill=kill, victims=server.group, environ=environ)
    assert done.status == 0, done.said
    assert "the MLflow mirror is pending: " in done.said
    between = left(root, database=server.database)
    assert list(between.versions) == [1, 2]
    assert "mirrored" not in next(iter(between.journals.values()))
    server.end()
    server.start()
    done = run(root, *REBUILD, "--resume", environ=environ)
    assert done.status == 0, done.said
    return left(root, database=server.database)
