"""Trainers that really train: the TRL script and the Axolotl config of docs/trainers.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from adapterctl.records.version import VersionRecord
from adapterctl.stores.registry import FolderRegistry
from support import axolotl_stand_in
from support.killing import prepare_mlflow, run
from support.own_trainers import BY_COMMAND, RECIPE, commit_all, make_trainer_project
from support.projects import copied, edit

PAGE = Path(__file__).parents[2] / "docs" / "trainers.md"
ON_LLAMA = [
    f"model.layers.{layer}.{name}"
    for layer in (0, 1)
    for name in ("mlp.down_proj", "mlp.up_proj", "self_attn.q_proj", "self_attn.v_proj")
]


def shown(start: str) -> str:
    """Returns the one example in the documents that begins like this."""
    blocks = re.findall(r"```(?:yaml|python)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [found] = [block for block in blocks if block.startswith(start)]
    return found


SFT = shown("trainer:\n  command: python scripts/sft.py")
AXOLOTL = shown("trainer:\n  command: axolotl").replace("axolotl train", "python axolotl.py train")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with both trainers in it; nothing is registered. To be `copied`."""
    root = make_trainer_project(tmp_path_factory.mktemp("bare"))
    prepare_mlflow(root)
    for path, text in {
        "scripts/sft.py": shown("import argparse"),
        "axolotl.py": Path(str(axolotl_stand_in.__file__)).read_text(),
        "configs/capitals.yml": shown("base_model:"),
    }.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    return root


def with_trainer(bare: Path, folder: Path, trainer: str) -> Path:
    root = copied(bare, folder)
    edit(root / RECIPE, BY_COMMAND, trainer)
    commit_all(root)
    return root


def ran(root: Path, *words: str) -> str:
    done = run(root, *words)
    assert done.status == 0, done.said
    return done.said


def record_of(root: Path, version: int) -> VersionRecord:
    return FolderRegistry(root).record("capitals", version)


@pytest.fixture(scope="module")
def by_trl(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a version that the TRL script has trained; to be `copied`."""
    root = with_trainer(bare, tmp_path_factory.mktemp("trl"), SFT)
    ran(root, "register", RECIPE)
    return root


def test_a_trl_script_is_registered(by_trl: Path) -> None:
    first = record_of(by_trl, 1).training
    assert first is not None
    assert (first.steps, first.departures) == (6, [])
    assert first.first_loss is not None and first.last_loss is not None


@pytest.mark.slow
def test_a_trl_script_is_rebuilt_on_a_successor(by_trl: Path, tmp_path: Path) -> None:
    root = copied(by_trl, tmp_path)
    ran(root, "rebuild", "capitals", "--to", "new-base")
    candidate = record_of(root, 2)
    assert candidate.training is not None and candidate.rebuilt_from is not None
    assert candidate.training.target_modules == ON_LLAMA
    assert candidate.rebuilt_from.rung == "carried recipe"


def test_an_axolotl_config_is_set_and_rebuilt_on_a_successor(bare: Path, tmp_path: Path) -> None:
    root = with_trainer(bare, tmp_path, AXOLOTL)
    ran(root, "register", RECIPE)
    first = record_of(root, 1)
    assert {"configs/capitals.yml", "axolotl.py"} <= {file.path for file in first.code.files}
    assert first.training is not None and first.training.departures == []
    said = ran(root, "plan", "capitals", "--to", "new-base", "--format", "json")
    trainer = json.loads(said[said.index("{\n") :])["results"][0]["trainer"]
    assert trainer["set"] == {
        "base_model": "{base}",
        "lora_r": 4,
        "lora_alpha": 8.0,
        "lora_target_modules": ["down_proj", "q_proj", "up_proj", "v_proj"],
        "learning_rate": 5e-3,
        "datasets.0.path": "{data}",
        "output_dir": "{out}",
        "max_steps": 6,
        "seed": 7,
    }
    ran(root, "rebuild", "capitals", "--to", "new-base")
    candidate = record_of(root, 2)
    assert candidate.training is not None
    assert candidate.training.target_modules == ON_LLAMA
    assert candidate.code.files == first.code.files


@pytest.mark.slow
def test_a_trl_script_gives_the_same_bytes_in_a_clean_process(by_trl: Path, tmp_path: Path) -> None:
    root = copied(by_trl, tmp_path)
    assert "capitals@1 is bit-identical" in ran(root, "reproduce", "capitals@1")
