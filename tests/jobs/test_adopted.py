"""Adopted versions in the commands that move bytes and aliases: pull, promote, retire, sync."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from adapterctl.cli import run
from adapterctl.jobs.project import Project
from adapterctl.stores.mlflow import MlflowMirror
from support.adapter_folders import adapter_folder, some_pickle, some_weights
from support.commands import Commands
from support.projects import copied, object_path
from support.registries import SmallRegistry


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with an adapter of each kind, imported and mirrored; to be `copied`."""
    folder = tmp_path_factory.mktemp("imported")
    root = folder / "project"
    assert run(["init", str(root)]) == 0
    adapter_folder(folder / "router", weights=some_weights(1))
    adapter_folder(folder / "bare", revision="main", odd={"a": None})
    pickled = adapter_folder(folder / "pickled")
    (pickled / "adapter_model.bin").write_bytes(some_pickle())
    sources = [str(folder / name) for name in ("router", "bare", "pickled")]
    assert run(["--project", str(root), "import", *sources]) == 0
    adapter_folder(folder / "router", weights=some_weights(2))
    assert run(["--project", str(root), "import", str(folder / "router")]) == 0
    assert run(["--project", str(root), "sync"]) == 0
    return root


@pytest.fixture
def root(imported: Path, tmp_path: Path) -> Path:
    return copied(imported, tmp_path)


@pytest.fixture
def command(root: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(root, capsys)


def project(root: Path) -> Project:
    return SmallRegistry(root).project()


def mirror(root: Path) -> MlflowMirror:
    return project(root).mirror


def test_sync_has_brought_every_adopted_version_to_mlflow(command, root):
    (pickled, bare, router) = (
        mirror(root).highest_version(n) for n in ("pickled", "bare", "router")
    )
    assert (pickled, bare, router) == (1, 1, 2)


def test_a_second_sync_has_nothing_to_do(command):
    said = command("sync", "--format", "json")
    assert said.status == 0
    assert [one["replayed"] for one in said.json["results"]] == [[], [], []]


def test_mlflow_shows_what_was_stated_and_that_it_was_only_stated(root):
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{root / '.adapterctl' / 'mlflow.db'}")
    version = client.get_model_version("bare", "1")
    assert version.tags["adapterctl.adopted"] == "true"
    assert version.tags["adapterctl.base_stated"] == "acme/base-7b"
    assert version.tags["adapterctl.grade"] == "D"
    run_of_it = client.get_run(version.run_id)
    assert run_of_it.info.status == "FINISHED"
    assert run_of_it.data.params["stated.r"] == "8"
    assert run_of_it.data.params["stated.odd"] == '{"a":null}'
    assert client.get_registered_model("bare").description.startswith("imported: its sources")


def test_an_adopted_adapter_is_pulled_as_it_was(command, root, tmp_path):
    said = command("pull", "router", "--out", str(tmp_path / "out"))
    assert said.status == 0
    assert "serve it on acme/base-7b, stated, unverified" in said.out
    weights = tmp_path / "out" / "adapter_model.safetensors"
    assert weights.read_bytes() == some_weights(2)


def test_pickled_weights_are_pulled_too(command, tmp_path):
    said = command("pull", "pickled", "--out", str(tmp_path / "out"), "--format", "json")
    assert said.json["results"][0]["weights_sha256"] is None
    assert (tmp_path / "out" / "adapter_model.bin").read_bytes() == some_pickle()


def test_without_weights_there_is_nothing_to_pull(command, tmp_path):
    said = command("pull", "bare", "--out", str(tmp_path / "out"))
    assert said.status == 3
    assert "bare@1 was imported without weights" in said.err
    assert not (tmp_path / "out").exists()


def test_a_pull_refuses_weights_that_were_changed_in_the_record(command, root, tmp_path):
    path = root / "registry" / "adapters" / "router" / "2.json"
    record = json.loads(path.read_text()) | {"weights_sha256": "0" * 64}
    path.write_text(json.dumps(record))
    said = command("pull", "router", "--out", str(tmp_path / "out"))
    assert (said.status, "WGT004" in said.err) == (3, True)
    assert not (tmp_path / "out").exists()


def test_verify_fetches_the_files_of_an_adopted_version(command):
    said = command("verify", "router")
    assert said.status == 0
    assert said.out.startswith("ok   artifacts ")
    assert "base stated, unverified: acme/base-7b; data, code and environment are not" in said.out
    assert command("verify", "pickled").status == 0
    bare = command("verify", "bare")
    assert (bare.status, "WGT002 imported without weights" in bare.out) == (1, True)


def test_verify_finds_an_adopted_version_that_is_gone_from_the_remote(command, root):
    md5 = project(root).registry.any_record("router", 2).artifacts.md5
    object_path(root, md5).unlink()
    said = command("verify", "router")
    assert (said.status, said.out.startswith("FAIL artifacts ")) == (1, True)


def test_an_adopted_version_is_promoted_rolled_back_and_retired(command, root):
    assert command("promote", "router@1").status == 0
    refused = command("promote", "router@2")
    assert (refused.status, "nothing compares it with the champion, @1" in refused.err) == (1, True)
    assert command("promote", "router@2", "--because", "it serves already").status == 0
    assert mirror(root).aliases("router") == {"champion": 2, "previous": 1}
    assert command("rollback", "router").status == 0
    assert mirror(root).aliases("router") == {"champion": 1, "previous": 2}
    assert command("retire", "router", "--because", "nobody uses it").status == 0
    assert mirror(root).aliases("router") == {}
    (line,) = [x for x in command("list").out.splitlines() if x.strip().startswith("adapter:")]
    assert line.split() == ["adapter:router:", "retired"]


def test_a_rollback_that_cannot_be_proven_says_why(command):
    command("promote", "router@1")
    command("promote", "router@2", "--because", "it serves already")
    said = command("rollback", "router", "--check")
    assert (said.status, "router@1 was imported" in said.err) == (3, True)


def test_a_fresh_mirror_is_filled_again_from_the_records(command, root):
    shutil.rmtree(root / ".adapterctl")
    assert command("sync").status == 0
    assert mirror(root).highest_version("router") == 2
