"""A fresh clone with git and the DVC remote, and nothing else, can do everything."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import adapterctl
from adapterctl.records.version import VersionRecord
from adapterctl.stores.registry import FolderRegistry
from adapterctl.stores.safetensors import weights_digest
from support.killing import run
from support.leftovers import left
from support.projects import copied, git

PRIVATE = (".adapterctl", "data/train.jsonl", "data/gold.jsonl", "data/pool.jsonl", ".dvc/cache")


@pytest.fixture(scope="module")
def origin(rebuilt: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion and a candidate, committed; with a remote of its own."""
    root = copied(rebuilt, tmp_path_factory.mktemp("origin"))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "router@2")
    return root


@pytest.fixture
def bare(origin: Path, tmp_path: Path) -> Path:
    """A clone of it; whatever is not in git is not there."""
    root = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(origin), str(root)], check=True)
    assert [name for name in PRIVATE if (root / name).exists()] == []
    return root


def answer(root: Path, *words: str) -> dict[str, Any]:
    """Runs a command and returns its JSON answer; what it says besides goes to stderr."""
    done = run(root, *words, "--format", "json")
    assert done.status == 0, done.said
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    return json.loads(done.said[start : stop + 1])


def record_of(root: Path, version: int) -> VersionRecord:
    return FolderRegistry(root).record("router", version)


def test_it_pulls_the_verified_adapter(bare: Path, tmp_path: Path) -> None:
    out = tmp_path / "pulled"
    assert run(bare, "pull", "router@champion", "--out", str(out)).status == 0
    found = weights_digest(out / "adapter_model.safetensors")
    assert found == record_of(bare, 1).weights_sha256
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_it_verifies_every_pin(bare: Path) -> None:
    checks = answer(bare, "verify", "router@1")["results"]
    assert [check["what"] for check in checks] == [
        "base",
        "data data/train.jsonl",
        "data data/gold.jsonl",
        "data data/pool.jsonl",
        "artifacts",
        "lock",
        "environment",
    ]
    assert {check["problem"] for check in checks} == {None}


def test_it_loads_the_champion(bare: Path, origin: Path) -> None:
    loaded = adapterctl.load("router@champion", bare, device="cpu")
    there = adapterctl.load("router@champion", origin, device="cpu")
    words = loaded.tokenizer("my password is locked", return_tensors="pt")
    assert loaded.model(**words).logits.equal(there.model(**words).logits)


def test_a_cached_version_that_was_altered_is_fetched_again(bare: Path) -> None:
    adapterctl.load("router@champion", bare, device="cpu")
    (weights,) = (bare / ".adapterctl").glob("versions/*/adapter/adapter_model.safetensors")
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(raw)
    adapterctl.load("router@champion", bare, device="cpu")
    assert weights_digest(weights) == record_of(bare, 1).weights_sha256


def test_it_rebuilds_a_version_that_is_there_already_to_the_same_one(bare: Path) -> None:
    [result] = answer(bare, "rebuild", "router@1", "--to", "new-base")["results"]
    assert (result["to_version"], result["verdict"]) == (2, "PASS")
    assert FolderRegistry(bare).versions("router") == [1, 2]


def test_it_rebuilds_what_nobody_has_rebuilt(bare: Path, origin: Path) -> None:
    home = bare / "registry" / "adapters" / "router"
    for name in ("2.json", "2.dvc", "events.jsonl"):
        (home / name).unlink()
    [result] = answer(bare, "rebuild", "router@1", "--to", "new-base")["results"]
    assert (result["to_version"], result["old_side"]) == (2, "rerun")
    assert record_of(bare, 2).weights_sha256 == record_of(origin, 2).weights_sha256


def test_it_replays_mlflow_with_the_same_numbers_and_aliases(bare: Path, origin: Path) -> None:
    [result] = answer(bare, "sync")["results"]
    assert result["replayed"] == [1, 2]
    assert left(bare).without("journals") == left(origin).without("journals")
    assert figures(bare) == figures(origin) != []
    assert answer(bare, "sync")["results"][0]["replayed"] == []


def figures(root: Path) -> list[tuple[Any, ...]]:
    """Returns every metric, param and tag of every version in MLflow, by version."""
    queries = (
        "SELECT v.version, m.key, m.step, m.value FROM metrics m",
        "SELECT v.version, m.key, m.value FROM params m",
        "SELECT v.version, m.key, m.value FROM tags m",
    )
    join = " JOIN model_versions v ON v.run_id = m.run_uuid WHERE m.key NOT LIKE 'mlflow.%'"
    with closing(sqlite3.connect(root / ".adapterctl" / "mlflow.db")) as connection:
        found = [row for query in queries for row in connection.execute(query + join)]
        tags = connection.execute("SELECT version, key, value FROM model_version_tags").fetchall()
    return sorted([*found, *tags], key=str)


def test_the_replayed_version_predicts_through_mlflow(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    answer(bare, "sync")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    mlflow.set_tracking_uri(f"sqlite:///{bare / '.adapterctl' / 'mlflow.db'}")
    loaded = mlflow.pyfunc.load_model("models:/router@champion")
    answers = loaded.predict([{"message": "My PASSWORD is locked", "queue": "?"}])
    assert answers[0]["output"] in {"billing", "delivery", "login"}


def test_it_reproduces_the_champion_bit_for_bit(bare: Path) -> None:
    [result] = answer(bare, "reproduce", "router@champion")["results"]
    assert (result["level"], result["identical"]) == ("B3", True)


def test_a_base_that_moved_is_found_where_the_registry_says(bare: Path, origin: Path) -> None:
    entry = bare / "registry" / "bases" / "old-base.yaml"
    recorded = record_of(bare, 1).base.source.path
    assert recorded is not None and recorded in entry.read_text()
    moved = bare.parent / "moved"
    shutil.copytree(recorded, moved)
    entry.write_text(entry.read_text().replace(recorded, str(moved)))
    (moved / "model.safetensors").write_bytes(b"")
    assert run(bare, "verify", "router@1").status == 1
    shutil.copy(Path(recorded) / "model.safetensors", moved)
    assert run(bare, "verify", "router@1").status == 0
