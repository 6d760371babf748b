"""A base kept in a bucket: read back when it is sent, fetched and fingerprinted when it serves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.stores.registry import FolderRegistry
from support.commands import Commands
from support.s3 import LoopbackS3, loopback_s3
from support.tiny_bases import tiny_bert

PLACE = "s3://bases/bert"


@pytest.fixture(scope="module")
def s3() -> Iterator[LoopbackS3]:
    with loopback_s3() as server:
        server.bucket("bases")
        yield server


@pytest.fixture
def run(tmp_path: Path, s3: LoopbackS3, capsys: pytest.CaptureFixture[str]) -> Commands:
    """A project with one base, which is mirrored; each test has the bucket for itself."""
    for entry in s3.client.list_objects_v2(Bucket="bases").get("Contents", []):
        s3.client.delete_object(Bucket="bases", Key=entry["Key"])
    root = tmp_path / "project"
    (root / "registry" / "bases").mkdir(parents=True)
    commands = Commands(root, capsys)
    tiny_bert(tmp_path / "source")
    assert commands("bases", "add", "bert", "--path", str(tmp_path / "source")).status == 0
    return commands


def test_it_serves_when_the_source_is_gone_and_is_fetched_once(
    run: Commands, tmp_path: Path, s3: LoopbackS3
) -> None:
    made = run("bases", "mirror", "bert", "--to", f"{PLACE}/", "--format", "json")
    assert made.status == 0, made.err
    files = [file for file in (tmp_path / "source").rglob("*") if file.is_file()]
    assert made.json["results"] == [
        {
            "base": "bert",
            "mirror": PLACE,
            "files": len(files),
            "bytes": sum(file.stat().st_size for file in files),
        }
    ]
    assert FolderRegistry(run.root).base("bert").mirror == PLACE
    shutil.rmtree(tmp_path / "source")
    first = run("bases", "fingerprint", "bert", "--format", "json")
    assert first.status == 0, first.err
    recorded = FolderRegistry(run.root).base("bert").fingerprint
    assert first.json["results"][0]["fingerprint"] == recorded
    assert f"fetching its mirror {PLACE}" in first.err
    again = run("bases", "fingerprint", "bert")
    assert again.status == 0 and "fetching" not in again.err


def test_a_mirror_that_is_another_base_does_not_serve(
    run: Commands, tmp_path: Path, s3: LoopbackS3
) -> None:
    assert run("bases", "mirror", "bert", "--to", PLACE).status == 0
    weights = bytearray((tmp_path / "source" / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    s3.put("bases", "bert/model.safetensors", bytes(weights))
    shutil.rmtree(tmp_path / "source")
    said = run("bases", "fingerprint", "bert")
    assert said.status == 3
    assert f"{PLACE}: the mirror is not base 'bert': fp1:" in said.err
    assert "hint: correct mirror in registry/bases/bert.yaml" in said.err
    mirrors = run.root / ".adapterctl" / "cache" / "mirrors"
    assert [path.name for path in mirrors.iterdir() if path.is_dir()] == []


def test_a_prefix_with_something_else_is_left_alone(run: Commands, s3: LoopbackS3) -> None:
    s3.put("bases", "bert/notes.txt", b"mine")
    said = run("bases", "mirror", "bert", "--to", PLACE)
    assert said.status == 3
    assert "not empty, and no copy of the base: notes.txt lies there" in said.err
    listed = s3.client.list_objects_v2(Bucket="bases")["Contents"]
    assert [entry["Key"] for entry in listed] == ["bert/notes.txt"]
    assert FolderRegistry(run.root).base("bert").mirror is None


def test_a_mirror_that_is_gone_is_named(run: Commands, tmp_path: Path, s3: LoopbackS3) -> None:
    assert run("bases", "mirror", "bert", "--to", PLACE).status == 0
    for entry in s3.client.list_objects_v2(Bucket="bases")["Contents"]:
        s3.client.delete_object(Bucket="bases", Key=entry["Key"])
    shutil.rmtree(tmp_path / "source")
    said = run("bases", "fingerprint", "bert")
    assert said.status == 3 and f"{PLACE}: holds no objects" in said.err
