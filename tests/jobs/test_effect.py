"""What changes nothing, does not fit or is no number is refused, and nothing is filed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapterctl.stores.registry import FolderRegistry
from support.projects import command, commit, copied, git, make_project
from support.projects import edit as edit_text

ROUTER = "registry/adapters/router/recipe.yaml"
HEAD = "base_model.model.classifier"


@pytest.fixture(scope="module")
def adapter(registered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registered adapter's folder, as somebody else would hand it over."""
    folder = tmp_path_factory.mktemp("pulled") / "adapter"
    assert command(registered, "pull", "router@1", "--out", str(folder)) == 0
    return folder


def edited(adapter: Path, folder: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    edit(weights)
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def idle(weights: dict[str, Any]) -> None:
    for name, tensor in weights.items():
        if "lora_B" in name:
            tensor.zero_()


def spoilt(weights: dict[str, Any]) -> None:
    weights[f"{HEAD}.bias"][0] = float("nan")


def headless(weights: dict[str, Any]) -> None:
    del weights[f"{HEAD}.bias"]


CASES = {
    "it changes nothing": (idle, 1, "router: WGT001 the adapter changes nothing: 32 rows"),
    "it lacks a tensor": (
        headless,
        1,
        f"router: WGT002 the adapter does not fit its base: 1 missing ({HEAD}.bias)",
    ),
    "it holds NaN": (spoilt, 3, f"router: {HEAD}.bias: 1 values are NaN or infinite"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_adapter_from_elsewhere_is_refused(
    case: str, fresh: Path, adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit, status, message = CASES[case]
    root = copied(fresh, tmp_path)
    taken = edited(adapter, tmp_path / "taken", edit)
    assert command(root, "register", str(root / ROUTER), "--adapter", str(taken)) == status
    assert message in capsys.readouterr().err
    assert FolderRegistry(root).versions("router") == []
    assert not list((root / "registry/adapters/router").glob("*.toml"))


def test_a_training_that_taught_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_project(tmp_path)
    recipe = root / ROUTER
    text = recipe.read_text()
    # The learning rate is still zero in the first step of a warm-up.
    changed = text.replace("max_steps: 12", "max_steps: 1").replace(
        "seed: 7", "seed: 7\n  warmup_steps: 10"
    )
    assert changed != text
    recipe.write_text(changed)
    git(root, "commit", "-qam", "A training too short")
    assert command(root, "register", str(recipe)) == 1
    assert "router: WGT001 the adapter changes nothing" in capsys.readouterr().err
    assert FolderRegistry(root).versions("router") == []


def test_a_rebuild_that_taught_nothing_is_refused_and_files_no_candidate(
    registered: Path, adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(registered, tmp_path)
    recipe = root / ROUTER
    # Its weights came from elsewhere; what its recipe would train again stays at rate zero.
    edit_text(recipe, "max_steps: 12", "max_steps: 1")
    edit_text(recipe, "seed: 7", "seed: 7\n  warmup_steps: 10")
    commit(root)
    assert command(root, "register", str(recipe), "--adapter", str(adapter)) == 0
    assert command(root, "rebuild", "router@2", "--to", "new-base") == 1
    assert "router: WGT001 the adapter changes nothing" in capsys.readouterr().err
    assert FolderRegistry(root).versions("router") == [1, 2]
    assert "candidate" not in (root / "registry/adapters/router/events.jsonl").read_text()
