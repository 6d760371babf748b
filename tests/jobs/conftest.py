"""One project with a registered adapter, made once; tests work on clones of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.projects import command, git, make_project

Clone = Callable[[str], Path]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with everything declared and nothing registered; not to be changed."""
    return make_project(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with router@1 as champion, committed; tests may read it, not change it."""
    root = make_project(tmp_path_factory.mktemp("registered"))
    assert command(root, "register", "registry/adapters/router/recipe.yaml") == 0
    assert command(root, "promote", "router@1") == 0
    git(root, "add", "-A")
    git(root, "commit", "-qm", "router@1")
    return root


@pytest.fixture
def clone(registered: Path, tmp_path: Path) -> Clone:
    """Clones the registered project: git and the DVC remote, nothing else."""

    def make(name: str = "clone") -> Path:
        target = tmp_path / name
        subprocess.run(["git", "clone", "-q", str(registered), str(target)], check=True)
        return target

    return make
