"""From an imported adapter to a registered one: the orphan gets its five sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.records.adopted import AdoptedVersion
from adapterctl.stores.registry import FolderRegistry
from support.commands import Commands
from support.projects import copied
from support.tiny_adapters import tiny_adapter

RECIPE = "registry/adapters/router/recipe.yaml"


def objects(root: Path) -> set[Path]:
    remote = root.parent / "project-storage"
    return {path for path in remote.rglob("*") if path.is_file()}


def test_an_imported_adapter_is_registered_without_another_upload_of_its_weights(
    fresh: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(fresh, tmp_path)
    command = Commands(root, capsys)
    base = FolderRegistry(root).base("old-base").source.path
    folder = tiny_adapter(tmp_path / "found", Path(base), task="SEQ_CLS", r=4, lora_alpha=8)
    assert command("import", str(folder), "--name", "router").status == 0

    door = FolderRegistry(root)
    adopted = door.any_record("router", 1)
    assert isinstance(adopted, AdoptedVersion)
    (row,) = command("list", "--format", "json").json["results"]
    # The recipe that stands beside it says who owns it; its base is known by its path.
    assert (row["owners"], row["base"]) == (["support-ml", "platform-ml"], "old-base")
    assert (row["grade"], row["task"]) == ("C", "SEQ_CLS")

    before = objects(root)
    out = tmp_path / "pulled"
    assert command("pull", "router", "--out", str(out)).status == 0
    said = command("register", RECIPE, "--adapter", str(out))
    assert said.status == 0, said.err
    record = door.record("router", 2)
    assert record.weights_sha256 == adopted.weights_sha256
    weights = out / "adapter_model.safetensors"
    large = [
        path for path in objects(root) - before if path.stat().st_size >= weights.stat().st_size
    ]
    assert [path for path in large if path.read_bytes() == weights.read_bytes()] == []
    lines = command("history", "router", "--format", "json").json["results"]
    assert [line["what"] for line in lines] == ["imported", "registered"]
    assert command("import", str(folder), "--name", "router").status == 0
    assert door.versions("router") == [1, 2]
