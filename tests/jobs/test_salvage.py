"""Salvage: an adapter's answers are kept, and stand for training data that are gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapterctl.jobs.clean_room import put_recorded_base, unpack
from adapterctl.jobs.project import Project
from adapterctl.records.version import VersionRecord
from adapterctl.rules.grades import grade
from adapterctl.rules.salvage import Salvaged, latest
from adapterctl.stores.registry import FolderRegistry
from adapterctl.stores.safetensors import weights_digest
from support.killing import Done, run
from support.projects import copied, object_path

HOME = Path("registry/adapters/router")
REBUILD = ("rebuild", "router", "--to", "new-base")


def ran(root: Path, *words: str, status: int = 0) -> Done:
    done = run(root, *words)
    assert done.status == status, done.said
    return done


@pytest.fixture(scope="module")
def salvaged(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose router has been salvaged."""
    root = copied(whole, tmp_path_factory.mktemp("salvaged"))
    ran(root, "salvage", "router")
    return root


def kept(root: Path) -> Salvaged:
    found = latest(FolderRegistry(root).events("router"), 1)
    assert found is not None
    return found


def lose_training_data(root: Path) -> None:
    """Deletes the training rows from the workspace, from DVC's cache and from the remote."""
    md5 = FolderRegistry(root).record("router", 1).train.md5
    object_path(root, md5).unlink()
    (root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]).unlink(missing_ok=True)
    (root / "data" / "train.jsonl").unlink()


def test_prompts_and_answers_are_kept_under_dvc(salvaged: Path) -> None:
    found = kept(salvaged)
    rows = [json.loads(line) for line in (salvaged / found.pin.path).read_text().splitlines()]
    assert len(rows) == found.pin.rows and found.pin.rows + found.dropped == 500
    assert {row["label"] for row in rows} | {*found.never} == {"billing", "delivery", "login"}
    assert all(sum(row["scores"].values()) == pytest.approx(1) for row in rows)
    assert object_path(salvaged, found.pin.md5).is_file()
    lines = (salvaged / "data/train.jsonl").read_text().splitlines()
    own = {json.loads(line)["message"].lower() for line in lines}
    assert own.isdisjoint(row["text"] for row in rows)


def test_a_rebuild_without_training_data_is_derived_and_says_so(
    salvaged: Path, tmp_path: Path
) -> None:
    root = copied(salvaged, tmp_path)
    lose_training_data(root)
    done = run(root, *REBUILD)
    said = "router@2 derived from salvaged answers, not rebuilt, from @1 on new-base"
    assert said in done.said, done.said
    record = FolderRegistry(root).record("router", 2)
    origin = record.rebuilt_from
    assert origin is not None and origin.derived and origin.rung == "salvage"
    assert done.status == int(origin.parity.verdict != "PASS")
    assert {line.set for line in origin.parity.metrics} == {"gold"}
    assert record.train == kept(root).pin
    assert "derived from salvaged answers of version 1" in ran(root, "show", "router@2").said
    assert '"derived_from": 1' in ran(root, "history", "router", "--format", "json").said
    gaps = grade(record, record.recipe).gaps
    assert "derived: it learned salvaged answers, not data" in [gap.what for gap in gaps]
    assert trained_again(root, record, tmp_path / "room") == record.weights_sha256


def trained_again(root: Path, record: VersionRecord, room: Path) -> str:
    """Trains a version from its pins alone, as `reproduce` does; returns its weights' digest."""
    project = Project(root=root, now=datetime(2026, 11, 23, tzinfo=UTC))
    unpack(project, record, room, from_remote=True)
    put_recorded_base(project, record, room)
    ran(room, "train", "router", "--out", str(room / "again"), "--threads", "1")
    return weights_digest(room / "again" / "adapter_model.safetensors")


def test_data_that_were_removed_lawfully_are_not_judged_on_either(
    salvaged: Path, tmp_path: Path
) -> None:
    root = copied(salvaged, tmp_path)
    ran(root, "forget", "router@1", "--because", "erasure request 12")
    lose_training_data(root)
    done = ran(root, *REBUILD, status=1)
    origin = FolderRegistry(root).record("router", 2).rebuilt_from
    assert origin is not None and origin.derived
    assert (origin.parity.verdict, origin.parity.metrics) == ("INCONCLUSIVE", [])
    assert "No metric was read on any evaluation set" in done.said


def test_without_salvage_nothing_stands_for_lost_data(salvaged: Path, tmp_path: Path) -> None:
    root = copied(salvaged, tmp_path)
    lose_training_data(root)
    events = root / HOME / "events.jsonl"
    events.write_text("")
    done = run(root, *REBUILD)
    assert done.status == 1 and "the plan is blocked" in done.said
    assert FolderRegistry(root).versions("router") == [1]
