"""One project with a registered adapter, made once; tests work on clones of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.killing import prepare_mlflow, run
from support.projects import command, copied, git, make_project

ROUTER = "registry/adapters/router/recipe.yaml"

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


@pytest.fixture(scope="session")
def template(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with nothing registered, and an empty MLflow database; to be `copied`."""
    root = copied(fresh, tmp_path_factory.mktemp("template"))
    prepare_mlflow(root)
    return root


@pytest.fixture(scope="session")
def whole(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a registration in a process of its own; to be `copied`."""
    return after(copied(template, tmp_path_factory.mktemp("whole")), "register", ROUTER)


@pytest.fixture(scope="session")
def serving(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with router@1 as champion; to be `copied`."""
    return after(copied(whole, tmp_path_factory.mktemp("serving")), "promote", "router@1")


@pytest.fixture(scope="session")
def rebuilt(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with router@2 as candidate on the other base; to be `copied`."""
    root = copied(serving, tmp_path_factory.mktemp("rebuilt"))
    return after(root, "rebuild", "router", "--to", "new-base")


def after(root: Path, *words: str) -> Path:
    done = run(root, *words)
    assert done.status == 0, done.said
    return root
