"""Data that stay in their bucket: pinned by version id and digest, never copied away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.stores.registry import FolderRegistry
from support.commands import Commands
from support.projects import command, commit, copied, edit
from support.s3 import LoopbackS3, keep_in, loopback_s3

ROUTER = "registry/adapters/router/recipe.yaml"
TRAIN = "s3://customers/2026/train.jsonl"
POOL = "s3://customers/2026/pool.jsonl"


@pytest.fixture(scope="module")
def s3() -> Iterator[LoopbackS3]:
    with loopback_s3() as server:
        server.bucket("customers", versioned=True)
        server.bucket("storage")
        yield server


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)
    return done.stdout.decode()


def moved(root: Path, s3: LoopbackS3) -> None:
    """Puts training data and pool into the bucket, and has the recipe say so."""
    edit(root / ROUTER, "path: data/train.jsonl", f"path: {TRAIN}\n    copy: false")
    edit(root / ROUTER, "{pool: data/pool.jsonl,", f"{{pool: {POOL}, copy: false,")
    for name in ("train", "pool"):
        local = root / "data" / f"{name}.jsonl"
        s3.put("customers", f"2026/{name}.jsonl", local.read_bytes())
        local.unlink()


@pytest.fixture(scope="module")
def registered(s3: LoopbackS3, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with router@1, whose training data and pool lie in a bucket; to be cloned."""
    root = copied(template, tmp_path_factory.mktemp("in-a-bucket"))
    moved(root, s3)
    keep_in(root, "s3://storage/team", s3)
    commit(root)
    assert command(root, "register", ROUTER) == 0
    git(root, "add", "-A")
    git(root, "commit", "-qm", "router@1")
    return root


@pytest.fixture
def clone(registered: Path, tmp_path: Path) -> Path:
    target = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(registered), str(target)], check=True)
    return target


@pytest.fixture
def run(clone: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(clone, capsys)


def test_they_are_pinned_by_version_and_pushed_nowhere(registered: Path, s3: LoopbackS3) -> None:
    record = FolderRegistry(registered).record("router", 1)
    versions = s3.client.list_object_versions(Bucket="customers", Prefix="2026/train.jsonl")
    assert record.train.path == TRAIN
    assert record.train.version_id in [each["VersionId"] for each in versions["Versions"]]
    assert record.selection is not None and record.selection.pool.path == POOL
    listed = s3.client.list_objects_v2(Bucket="storage", Prefix="team/files/md5/")["Contents"]
    held = {"".join(entry["Key"].split("/")[-2:]) for entry in listed}
    assert record.train.md5 not in held
    assert {record.evaluation["gold"].md5, record.artifacts.md5} <= held
    tracked = git(registered, "ls-files")
    assert "train.jsonl" not in tracked and "data/gold.jsonl.dvc" in tracked


def test_a_fresh_clone_proves_them_after_somebody_wrote_others(
    run: Commands, s3: LoopbackS3
) -> None:
    s3.put("customers", "2026/train.jsonl", b'{"message": "other"}\n')
    verified = run("verify", "router")
    assert verified.status == 0, verified.out
    assert f"ok   data {TRAIN}" in verified.out and f"ok   data {POOL}" in verified.out
    reproduced = run("reproduce", "router")
    assert reproduced.status == 0, reproduced.err
    assert "router@1 is bit-identical" in reproduced.out
    shown = run("show", "router").out
    assert str(FolderRegistry(run.root).record("router", 1).train.version_id) in shown


@pytest.mark.slow
def test_a_fresh_clone_pulls_and_rebuilds_from_the_buckets_alone(
    run: Commands, tmp_path: Path
) -> None:
    assert run("pull", "router", "--out", str(tmp_path / "pulled")).status == 0
    assert (tmp_path / "pulled" / "adapter_model.safetensors").is_file()
    rebuilt = run("rebuild", "router", "--to", "new-base", "--format", "json")
    assert rebuilt.status == 0, rebuilt.err
    record = FolderRegistry(run.root).record("router", 2)
    assert record.train == FolderRegistry(run.root).record("router", 1).train


def test_a_version_that_is_gone_is_named_by_verify_and_reproduce(
    run: Commands, s3: LoopbackS3
) -> None:
    version = FolderRegistry(run.root).record("router", 1).train.version_id
    s3.client.delete_object(Bucket="customers", Key="2026/train.jsonl", VersionId=version)
    verified = run("verify", "router")
    assert verified.status == 1
    assert f"version {version} of it is gone" in verified.out
    reproduced = run("reproduce", "router")
    assert reproduced.status == 3
    assert f"{TRAIN}: version {version} of it is gone" in reproduced.err
