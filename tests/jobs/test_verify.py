"""Beside the bytes: the lock that was filed, and how the running environment differs."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

import pytest

from adapterctl.records.version import VersionRecord
from adapterctl.stores.registry import FolderRegistry
from support.projects import command, copied

ROUTER = "registry/adapters/router/recipe.yaml"
LOCK = "registry/adapters/router/1.pylock.toml"


def record_of(root: Path) -> VersionRecord:
    return FolderRegistry(root).record("router", 1)


def parts(root: Path, capsys: pytest.CaptureFixture[str], *, status: int) -> dict[str, dict]:
    capsys.readouterr()
    assert command(root, "verify", "router", "--format", "json") == status
    found = json.loads(capsys.readouterr().out)["results"]
    return {part["what"]: part for part in found}


def test_a_version_is_filed_with_the_lock_of_its_environment(registered: Path) -> None:
    record = record_of(registered)
    assert record.lock is not None and record.lock.kind == "installed"
    raw = (registered / LOCK).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == record.lock.sha256
    packages = tomllib.loads(raw.decode())["packages"]
    named = {package["name"]: package.get("version") for package in packages}
    assert named["torch"] == record.environment.distributions["torch"]
    assert named.keys() == record.environment.distributions.keys()


def test_the_lock_is_among_the_files_to_add(
    registered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(registered, tmp_path)
    assert command(root, "register", str(root / ROUTER)) == 0
    assert f" {LOCK} " in capsys.readouterr().out


def test_the_environment_that_registered_differs_in_nothing(
    registered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = parts(registered, capsys, status=0)
    assert found["environment"]["notes"] == []
    assert found["lock"]["ok"]


def test_another_environment_is_told_and_does_not_count(
    clone, capsys: pytest.CaptureFixture[str]
) -> None:
    root = clone()
    path = FolderRegistry(root).record_path("router", 1)
    record = json.loads(path.read_text())
    installed = record["environment"]["distributions"]
    peft, click = installed["peft"], installed["click"]
    installed |= {"peft": "0.1", "click": "1.0"}
    path.write_text(json.dumps(record))
    assert parts(root, capsys, status=0)["environment"]["notes"] == [
        f"ENV003 can change results: peft: 0.1 -> {peft}",
        f"ENV003 cannot change results: click: 1.0 -> {click}",
    ]


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("x = 1")])
def test_a_lock_that_is_not_the_recorded_one_is_a_failure(
    spoil, clone, capsys: pytest.CaptureFixture[str]
) -> None:
    root = clone()
    spoil(root / LOCK)
    lock = parts(root, capsys, status=1)["lock"]
    assert lock["problem"] == "1.pylock.toml is not the lock that was recorded"
    assert lock["hint"] == f"git checkout {LOCK}"


def test_a_lock_that_is_gone_comes_back_with_the_same_five(
    registered: Path, tmp_path: Path
) -> None:
    root = copied(registered, tmp_path)
    (root / LOCK).unlink()
    assert command(root, "register", str(root / ROUTER)) == 0
    assert (root / LOCK).read_bytes() == (registered / LOCK).read_bytes()
