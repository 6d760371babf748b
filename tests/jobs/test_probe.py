"""A version keeps a probe under DVC; asked again, it says what moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapterctl.records.probe import ProbeAnswer
from adapterctl.records.reading import read_json
from adapterctl.records.version import VersionRecord
from adapterctl.stores.dvc import DvcStore
from adapterctl.stores.registry import FolderRegistry
from support.projects import command, copied, git, md5_in_artifact, object_path

ROUTER = "registry/adapters/router/recipe.yaml"


def record_of(root: Path, version: int = 1) -> VersionRecord:
    return FolderRegistry(root).record("router", version)


def probe_of(root: Path, tmp_path: Path) -> list[ProbeAnswer]:
    record = record_of(root)
    DvcStore(root).fetch_folder(record.artifacts, tmp_path / "version", from_remote=True)
    lines = (tmp_path / "version" / "probe.jsonl").read_bytes().splitlines()
    return [read_json(line, ProbeAnswer, file="probe.jsonl") for line in lines]


def test_a_version_keeps_fixed_rows_with_what_was_made_of_them(
    registered: Path, tmp_path: Path
) -> None:
    probe = probe_of(registered, tmp_path)
    assert len(probe) == 32
    assert {answer.set for answer in probe} == {"gold"}
    for answer in probe:
        assert answer.text and answer.input_ids
        assert answer.output in {"billing", "delivery", "login"}
        assert sum(answer.scores.values()) == pytest.approx(1.0)


def test_no_text_of_it_is_in_git(registered: Path, tmp_path: Path) -> None:
    text = probe_of(registered, tmp_path)[0].text
    assert text is not None
    tracked = [path for path in (registered / "registry").rglob("*") if path.is_file()]
    assert tracked
    assert not [path for path in tracked if text.encode() in path.read_bytes().lower()]


def test_a_fresh_clone_answers_the_probe_as_recorded(
    clone, capsys: pytest.CaptureFixture[str]
) -> None:
    root = clone()
    assert command(root, "verify", "router", "--behaviour") == 0
    assert capsys.readouterr().out == (
        "router@1 behaves as recorded\n"
        "  text      the same in 32 rows\n"
        "  tokens    the same in 32 rows\n"
        "  mask      the same in 32 rows\n"
        "  outputs   the same in 32 rows\n"
    )


def test_another_tokenizer_beside_the_same_weights_is_noticed(
    clone, registered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fingerprint is that of the weights: a tokenizer can change under it."""
    root = clone()
    moved = tmp_path / "moved-base"
    shutil.copytree(registered.parent / "bases" / "old", moved)
    tokenizer = json.loads((moved / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] = swapped(tokenizer["model"]["vocab"])
    (moved / "tokenizer.json").write_text(json.dumps(tokenizer))
    base = root / "registry/bases/old-base.yaml"
    text = base.read_text()
    base.write_text(text.replace(str(registered.parent / "bases" / "old"), str(moved)))
    assert base.read_text() != text

    assert command(root, "verify", "router", "--behaviour", "--format", "json") == 1
    [result] = json.loads(capsys.readouterr().out)["results"]
    found = {aspect["aspect"]: aspect for aspect in result["aspects"]}
    assert not result["same"] and result["environment"] == []
    assert found["text"]["moved"] == found["mask"]["moved"] == []
    assert found["tokens"]["moved"] and found["outputs"]["moved"]
    assert found["outputs"]["largest"] > 0


def swapped(vocabulary: Any) -> Any:
    """Exchanges the ids of two pieces that messages hold."""
    return vocabulary | {"##e": vocabulary["##a"], "##a": vocabulary["##e"]}


def test_of_sensitive_rows_only_ids_and_digests_are_kept(fresh: Path, tmp_path: Path) -> None:
    root = copied(fresh, tmp_path)
    recipe = root / ROUTER
    text = recipe.read_text()
    changed = text.replace("path: data/train.jsonl", "path: data/train.jsonl\n    sensitive: true")
    assert changed != text
    recipe.write_text(changed)
    git(root, "commit", "-qam", "Sensitive")
    assert command(root, "register", str(root / ROUTER)) == 0
    md5 = md5_in_artifact(root, record_of(root).artifacts.md5, "probe.jsonl")
    lines = object_path(root, md5).read_text().splitlines()
    assert len(lines) == 32
    kept = {"set", "row", "id", "text_sha256", "tokens_sha256", "mask_sha256", "output_sha256"}
    assert all(json.loads(line).keys() == kept for line in lines)
    assert command(root, "verify", "router", "--behaviour") == 0
