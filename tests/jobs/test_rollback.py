"""Going back: one move of an alias, and the proof beforehand that it would serve."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from adapterctl.stores.registry import FolderRegistry
from support.killing import run
from support.leftovers import left
from support.projects import copied, edit, md5_in_artifact, object_path

CHECK = ("rollback", "router", "--check", "--format", "json")


@pytest.fixture(scope="module")
def released(rebuilt: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """router@2 is the champion, router@1 the one to go back to; to be `movable`."""
    root = copied(rebuilt, tmp_path_factory.mktemp("released"))
    assert run(root, "promote", "router@2").status == 0
    return root


@pytest.fixture
def movable(released: Path, tmp_path: Path) -> Path:
    """A copy with an old base of its own, which a test may damage."""
    root = copied(released, tmp_path)
    place = Path(str(FolderRegistry(root).record("router", 1).base.source.path))
    shutil.copytree(place, tmp_path / "base")
    edit(root / "registry/bases/old-base.yaml", str(place), str(tmp_path / "base"))
    return root


def checked(root: Path) -> tuple[int, dict[str, str | None]]:
    done = run(root, *CHECK)
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    parts = json.loads(done.said[start : stop + 1])["results"]
    return done.status, {part["what"]: part["problem"] for part in parts}


def test_what_was_in_order_yesterday_is_looked_at_again(movable: Path, tmp_path: Path) -> None:
    status, parts = checked(movable)
    assert (status, set(parts.values())) == (0, {None})
    assert list(parts)[-1] == "loads"
    flip_unseen(tmp_path / "base" / "model.safetensors")
    status, parts = checked(movable)
    assert status == 1
    assert "the weights of base 'old-base' changed: fp1:" in str(parts["base"])
    assert "loads" not in parts
    assert left(movable).aliases == {"champion": 2, "previous": 1}


def flip_unseen(path: Path) -> None:
    """Flips the last bit of a file, which keeps its size and its times."""
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_another_tokenizer_is_another_base(movable: Path, tmp_path: Path) -> None:
    vocabulary = tmp_path / "base" / "tokenizer.json"
    vocabulary.write_text(vocabulary.read_text() + "\n")
    status, parts = checked(movable)
    assert status == 1
    assert "the tokenizer of base 'old-base' changed" in str(parts["base tokenizer"])


def test_weights_that_are_gone_from_the_remote_are_not_taken_from_the_cache(movable: Path) -> None:
    artifact = FolderRegistry(movable).record("router", 1).artifacts.md5
    object_path(movable, md5_in_artifact(movable, artifact, ".safetensors")).unlink()
    status, parts = checked(movable)
    assert status == 1
    assert "is not in remote 'storage'" in str(parts["artifacts"])


def test_going_back_moves_aliases_and_needs_no_bytes(movable: Path, tmp_path: Path) -> None:
    """What takes time at a rollback would be fetched from here; none of it is there."""
    for folder in (tmp_path / "project-storage", tmp_path / "base", movable / ".dvc" / "cache"):
        shutil.rmtree(folder)
    shutil.rmtree(movable / ".adapterctl" / "versions", ignore_errors=True)
    before = sorted((movable / ".adapterctl" / "mlartifacts").rglob("*"))
    done = run(movable, "rollback", "router", "--because", "wrong language")
    assert done.status == 0, done.said
    assert "pending" not in done.said
    assert FolderRegistry(movable).events("router")[-1].event == "rolled_back"
    assert sorted((movable / ".adapterctl" / "mlartifacts").rglob("*")) == before
