"""The ladder of a rebuild: which rungs are tried, what each leaves, and where it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.records.version import RebuiltFrom
from adapterctl.stores.registry import FolderRegistry
from support.killing import KILLED, before, run
from support.leftovers import left
from support.projects import commit, copied, edit

HOME = Path("registry/adapters/router")
REBUILD = ("rebuild", "router", "--to", "new-base")


@pytest.fixture(scope="module")
def strict(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose margins nothing meets, with router@1 registered."""
    root = copied(template, tmp_path_factory.mktemp("strict"))
    edit(root / HOME / "recipe.yaml", "margin: 0.5", "margin: 0.001")
    edit(root / HOME / "recipe.yaml", "flips: 1.0", "flips: 0.001")
    commit(root)
    assert run(root, "register", str(HOME / "recipe.yaml")).status == 0
    return root


@pytest.fixture(scope="module")
def climbed(strict: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a rebuild that tried every rung."""
    root = copied(strict, tmp_path_factory.mktemp("climbed"))
    done = run(root, *REBUILD)
    assert done.status == 1, done.said
    assert (root / HOME / "2.json").is_file(), done.said
    return root


def origin_of(root: Path, version: int = 2) -> RebuiltFrom:
    found = FolderRegistry(root).record("router", version).rebuilt_from
    assert found is not None
    return found


def test_every_rung_is_tried_until_one_passes(climbed: Path) -> None:
    origin = origin_of(climbed)
    print(origin.ladder)
    assert [one.rung for one in origin.ladder] == ["carried recipe", "learning-rate sweep", "old adapter as teacher"]
