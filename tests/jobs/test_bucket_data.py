"""Data that stay in their bucket: pinned by version id and digest, never copied away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.stores.registry import FolderRegistry
from support.commands import Commands
from support.projects import command, commit, copied, edit, git
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


def test_they_are_pinned_by_version_and_pushed_nowhere(registered: Path, s3: LoopbackS3) -> None:
    record = FolderRegistry(registered).record("router", 1)
    version = s3.client.head_object(Bucket="customers", Key="2026/train.jsonl")["VersionId"]
    assert (record.train.path, record.train.version_id) == (TRAIN, version)
    assert record.selection is not None and record.selection.pool.path == POOL
    listed = s3.client.list_objects_v2(Bucket="storage", Prefix="team/files/md5/")["Contents"]
    held = {"".join(entry["Key"].split("/")[-2:]) for entry in listed}
    assert record.train.md5 not in held
    assert {record.evaluation["gold"].md5, record.artifacts.md5} <= held
    assert not (registered / "data" / "train.jsonl").exists()


def test_a_fresh_clone_verifies_and_reproduces_them(
    clone: Path, s3: LoopbackS3, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody has written other data meanwhile: the pinned version is the one that is read."""
    s3.put("customers", "2026/train.jsonl", b'{"message": "other"}\n')
    run = Commands(clone, capsys)
    verified = run("verify", "router")
    assert verified.status == 0, verified.out
    assert f"ok   data {TRAIN}" in verified.out and f"ok   data {POOL}" in verified.out
    reproduced = run("reproduce", "router")
    assert reproduced.status == 0, reproduced.err
    assert "router@1 is bit-identical" in reproduced.out
