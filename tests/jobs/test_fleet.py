"""A fleet: everything on a base rebuilt in one go, each as if it were alone."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapterctl.stores.registry import FolderRegistry
from support.killing import KILLED, Done, after, run
from support.leftovers import left
from support.projects import commit, copied, edit

ADAPTERS = Path("registry/adapters")
FLEET = ("rebuild", "--on-base", "old-base", "--to", "new-base")
MENDED = {"second": ("r: 4", "r: 2"), "blocked": ("seed: 7", "seed: 8")}


def ran(root: Path, *words: str) -> Done:
    done = run(root, *words)
    assert done.status == 0, done.said
    return done


def results(done: Done) -> dict[str, dict[str, Any]]:
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    found = json.loads(done.said[start : stop + 1])["results"]
    return {each["adapter"]: each for each in found}


@pytest.fixture(scope="module")
def fleet(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Adapters on the old base: two that are well, one without its data, one blocked, one retired.

    The second dies first; of the others no end is known.
    """
    root = copied(serving, tmp_path_factory.mktemp("fleet"))
    shutil.copy(root / "data/train.jsonl", root / "data/own.jsonl")
    with (root / "data/own.jsonl").open("a") as file:
        file.write((root / "data/gold.jsonl").read_text().splitlines()[0] + "\n")
    for name in ("broken", "second", "blocked"):
        add_twin(root, name)
    md5 = FolderRegistry(root).record("broken", 1).train.md5
    for objects in (root.parent / "project-storage", root / ".dvc" / "cache"):
        (objects / "files" / "md5" / md5[:2] / md5[2:]).unlink()
    (root / "data/own.jsonl").unlink()
    recipe = root / ADAPTERS / "blocked" / "recipe.yaml"
    recipe.write_text(recipe.read_text() + "role_map: {attention.q: [nowhere]}\n")
    ran(
        root,
        "lifecycle",
        "add",
        "old-base",
        "--phase",
        "serving",
        "--shutdown",
        "2027-03-01",
        "--source",
        "https://example.invalid/ends",
    )
    return root


def add_twin(root: Path, name: str) -> None:
    """Registers an adapter like the router; the broken one has training data of its own."""
    home = root / ADAPTERS / name
    home.mkdir()
    text = (root / ADAPTERS / "router" / "recipe.yaml").read_text()
    text = text.replace("adapter: router", f"adapter: {name}")
    if name == "broken":
        start, stop = text.index("    selection:"), text.index("  evaluation:")
        text = (text[:start] + text[stop:]).replace("data/train.jsonl", "data/own.jsonl")
    (home / "recipe.yaml").write_text(text)
    if name in MENDED:
        edit(home / "recipe.yaml", *MENDED[name])
    commit(root)
    ran(root, "register", str(home / "recipe.yaml"))


@pytest.fixture(scope="module")
def moved(fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """The same after the fleet was rebuilt."""
    root = copied(fleet, tmp_path_factory.mktemp("moved"))
    return root, run(root, *FLEET, "--format", "json")


def test_what_stops_one_concerns_it_alone(fleet: Path, moved: tuple[Path, Done]) -> None:
    root, done = moved
    assert done.status == 1
    found = results(done)
    assert sorted(found) == ["blocked", "broken", "router", "second"]
    for name in ("router", "second"):
        assert (found[name]["verdict"], found[name]["error"]) == ("PASS", None)
        assert left(root, name).aliases["candidate"] == 2
    for name in ("broken", "blocked"):
        one = found[name]
        assert (one["to_version"], one["verdict"], one["record"]) == (None, None, None)
        assert FolderRegistry(root).versions(name) == [1]
    md5 = FolderRegistry(root).record("broken", 1).train.md5
    assert f"object {md5} is not in remote 'storage'" in found["broken"]["error"]
    assert "blocked@1 -> new-base: the plan is blocked: " in found["blocked"]["error"]


def test_all_are_reported_by_deadline_with_slack(moved: tuple[Path, Done]) -> None:
    found = list(results(moved[1]).values())
    days = [one["rebuild_by"] for one in found]
    assert days == sorted(days)
    assert all(one["slack_days"] is not None for one in found)


def test_a_base_is_loaded_once_for_all_that_ask_on_it(moved: tuple[Path, Done]) -> None:
    said = [re.sub(r":.*", "", line) for line in moved[1].said.splitlines()]
    order = [one for one in said if one.startswith(("old ", "training ", "bare ", "candidate "))]
    kinds = [one.split()[0] for one in order]
    assert kinds == ["old", "old", "training", "training"] + 2 * ["bare", "candidate"], order


def test_an_adapter_has_the_bytes_of_a_rebuild_by_itself(
    moved: tuple[Path, Done], rebuilt: Path
) -> None:
    in_fleet = FolderRegistry(moved[0]).record("router", 2)
    by_itself = FolderRegistry(rebuilt).record("router", 2)
    assert in_fleet.weights_sha256 == by_itself.weights_sha256
    assert in_fleet.adapter_config_sha256 == by_itself.adapter_config_sha256
    assert left(moved[0], "router").journals.keys() >= left(rebuilt, "router").journals.keys()


def test_a_killed_fleet_goes_on_one_adapter_alone_and_then_the_others(
    fleet: Path, moved: tuple[Path, Done], tmp_path: Path
) -> None:
    root = copied(fleet, tmp_path)
    at_work = after("adapterctl.training.learning.checkpoints:save", since=".step-00000008")
    assert run(root, *FLEET, kill=at_work).status == KILLED
    alone = ran(root, "rebuild", "second", "--to", "new-base", "--resume")
    assert "old second@1 on gold" not in alone.said
    rest = run(root, *FLEET, "--resume")
    assert rest.status == 1
    assert "old router@1 on gold" not in rest.said
    for name in ("router", "second"):
        assert left(root, name) == left(moved[0], name)
