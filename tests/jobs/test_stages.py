"""`dvc repro` builds the adapters that params.yaml lists, and only what changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from support.projects import RECIPE, command, commit, make_project


def repro(root: Path, *options: str) -> str:
    """Runs `dvc repro` as a user with an activated environment does; returns what it says."""
    found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", *options],
        cwd=root,
        env=os.environ | {"PATH": found},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose params.yaml lists two adapters; one has no evaluation set."""
    root = make_project(tmp_path_factory.mktemp("stages"))
    sibling = root / "registry" / "adapters" / "sibling"
    shutil.copytree(root / "registry" / "adapters" / "router", sibling)
    recipe = RECIPE.replace("adapter: router", "adapter: sibling").replace("seed: 7", "seed: 8")
    start, stop = recipe.index("  evaluation:"), recipe.index("preprocessing:")
    recipe = recipe[:start] + recipe[stop:]
    (sibling / "recipe.yaml").write_text(recipe[: recipe.index("parity:")])
    from adapterctl.jobs.project import Project
    from adapterctl.jobs.stages import enlist
    from support.registries import NOON

    project = Project(root=root, now=NOON)
    for name in ("router", "sibling"):
        enlist(project, name)
    return root


def test_each_adapter_has_its_own_stages(two: Path) -> None:
    stages = YAML(typ="safe").load(two / "dvc.yaml")["stages"]
    assert list(stages) == ["train-router", "evaluate-router", "train-sibling"]
    assert "registry/adapters/router/texts.py" in stages["train-router"]["deps"]
    assert YAML(typ="safe").load(two / "params.yaml")["adapters"] == ["router", "sibling"]


def test_enlisting_again_changes_nothing(two: Path) -> None:
    from adapterctl.jobs.project import Project
    from adapterctl.jobs.stages import enlist
    from support.registries import NOON

    before = (two / "dvc.yaml").read_bytes(), (two / "params.yaml").read_bytes()
    assert enlist(Project(root=two, now=NOON), "router") == []
    assert ((two / "dvc.yaml").read_bytes(), (two / "params.yaml").read_bytes()) == before
    assert b"# how far ahead" in before[1]


def test_dvc_repro_builds_what_changed_and_nothing_else(two: Path) -> None:
    first = repro(two)
    for stage in ("train-router", "evaluate-router", "train-sibling"):
        assert f"Running stage '{stage}'" in first
    assert (two / "builds/router/adapter_model.safetensors").is_file()
    assert (two / "builds/router.metrics.json").is_file()
    assert "Running stage" not in repro(two)
    recipe = two / "registry/adapters/sibling/recipe.yaml"
    recipe.write_text(recipe.read_text().replace("seed: 8", "seed: 9"))
    changed = repro(two, "--dry")
    assert "Running stage 'train-sibling'" in changed
    assert "Running stage 'train-router'" not in changed
    assert "Running stage 'evaluate-router'" not in changed


def test_a_stage_builds_the_bytes_that_register_builds(two: Path) -> None:
    from adapterctl.stores.registry import FolderRegistry
    from adapterctl.stores.safetensors import weights_digest

    commit(two)
    assert command(two, "register", "registry/adapters/router/recipe.yaml") == 0
    recorded = FolderRegistry(two).record("router", 1).weights_sha256
    assert weights_digest(two / "builds/router/adapter_model.safetensors") == recorded
