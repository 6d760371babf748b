"""Data removed lawfully: recorded once, and said from then on instead of being missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterctl.records.reading import read_json
from adapterctl.records.version import VersionRecord
from support.projects import command, commit, copied, edit, make_project, object_path

GROUND = "erasure request 4711"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A project with two versions of one adapter on the same data."""
    root = make_project(tmp_path_factory.mktemp("forget"))
    recipe = root / "registry" / "adapters" / "router" / "recipe.yaml"
    for steps in (2, 3):
        edit(recipe, "max_steps: 12" if steps == 2 else "max_steps: 2", f"max_steps: {steps}")
        commit(root)
        assert command(root, "register", str(recipe)) == 0
    return root


@pytest.fixture
def project(made, tmp_path) -> Path:
    return copied(made, tmp_path)


def record(root: Path, version: int) -> VersionRecord:
    path = root / "registry" / "adapters" / "router" / f"{version}.json"
    return read_json(path.read_bytes(), VersionRecord, file=str(path))


def delete(root: Path, version: int) -> None:
    pin = record(root, version).train
    object_path(root, pin.md5).unlink()
    (root / ".dvc" / "cache" / "files" / "md5" / pin.md5[:2] / pin.md5[2:]).unlink()
    (root / pin.path).unlink()


def test_what_must_be_deleted_is_listed_with_whoever_else_has_it(project, capsys):
    capsys.readouterr()
    assert command(project, "forget", "router@1", "--because", GROUND) == 0
    said = capsys.readouterr().out
    assert "router@1: its data are recorded as removed" in said
    assert f"data/train.jsonl  md5 {record(project, 1).train.md5}" in said
    assert "router@2 pins some of the same bytes: data/train.jsonl" in said
    assert command(project, "forget", "router@1", "--because", GROUND) == 0
    assert "recorded as removed before" in capsys.readouterr().out
    events = (project / "registry" / "adapters" / "router" / "events.jsonl").read_text()
    assert events.count("data_removed") == 1


def test_later_commands_say_so_instead_of_missing_the_data(project, capsys):
    assert command(project, "forget", "router", "--because", GROUND) == 0
    delete(project, 2)
    capsys.readouterr()
    assert command(project, "verify", "router") == 0
    assert f"by Test: {GROUND}" in capsys.readouterr().out
    assert command(project, "reproduce", "router") == 3
    said = capsys.readouterr().err
    assert "router@2: its data were removed on" in said
    assert GROUND in said
    assert command(project, "plan", "router", "--to", "new-base") == 1
    assert GROUND in capsys.readouterr().out
    assert command(project, "rebuild", "router", "--to", "new-base") == 1
    assert GROUND in capsys.readouterr().err
    assert command(project, "show", "router") == 0
    assert "C; DATA001 its training data were removed" in capsys.readouterr().out
    assert command(project, "history", "router", "--format", "json") == 0
    happened = [each["what"] for each in json.loads(capsys.readouterr().out)["results"]]
    assert happened.count("data_removed") == 2


def test_data_that_vanish_without_a_word_are_still_missed(project, capsys):
    assert command(project, "forget", "router@1", "--because", GROUND) == 0
    delete(project, 2)
    assert command(project, "verify", "router@2") == 1


def test_a_removal_needs_a_ground(project, capsys):
    assert command(project, "forget", "router", "--because", " ") == 3
    assert "no reason" in capsys.readouterr().err
