"""The drill: versions in use whose proof has grown old are reproduced; another machine is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapterctl.records.canonical import pretty
from adapterctl.records.event import Event
from adapterctl.stores.registry import FolderRegistry
from support.killing import Done, run
from support.projects import copied

LOST = "0" * 32


def answer(done: Done) -> dict[str, Any]:
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    return json.loads(done.said[start : stop + 1])


def drill(root: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = run(root, "reproduce", "--all", *words, "--format", "json")
    return done.status, answer(done)


def add_lost(root: Path, name: str) -> None:
    """Adds an adapter in use whose training data are in no remote."""
    registry = FolderRegistry(root)
    record = registry.record("router", 1)
    train = msgspec.structs.replace(record.train, md5=LOST)
    recipe = registry.recipe_path("router").read_text()
    home = registry.adapter_folder(name)
    home.mkdir()
    (home / "recipe.yaml").write_text(recipe.replace("adapter: router", f"adapter: {name}"))
    lost = msgspec.structs.replace(record, adapter=name, train=train)
    registry.record_path(name, 1).write_bytes(pretty(lost))
    at = "2026-01-01T00:00:00Z"
    registry.append_event(name, Event(event="promoted", version=1, at=at, by="Test"))


def test_one_that_cannot_be_reproduced_stops_no_other(serving: Path, tmp_path: Path) -> None:
    root = copied(serving, tmp_path)
    add_lost(root, "lost")
    assert "DRL001" in codes(root, "router@1")
    status, found = drill(root, "--older-than", "90d")
    lost, router = found["results"]
    assert status == 1
    assert (lost["adapter"], lost["identical"], lost["level"]) == ("lost", False, None)
    assert f"object {LOST} is not in remote 'storage'" in lost["error"]
    assert (router["adapter"], router["identical"], router["level"]) == ("router", True, "B3")
    assert [e.event for e in FolderRegistry(root).events("router")] == ["promoted", "reproduced"]
    assert "DRL001" not in codes(root, "router@1")
    assert "DRL001" in codes(root, "lost@1")
    again = run(root, "reproduce", "--all", "--older-than", "90d")
    assert again.status == 1
    assert "router@1" not in again.said


def codes(root: Path, name: str) -> list[str]:
    found = answer(run(root, "audit", "--offline", "--format", "json"))["results"]
    return [each["code"] for each in found if each["subject"] == f"adapter:{name}"]


def test_what_is_not_in_use_is_left_alone(whole: Path, tmp_path: Path) -> None:
    done = run(copied(whole, tmp_path), "reproduce", "--all")
    assert (done.status, "no version in use is due" in done.said) == (0, True)


@pytest.mark.parametrize("words", [[], ["router", "--all"], ["router", "--older-than", "90d"]])
def test_a_name_or_all_is_asked_for(words: list[str], serving: Path) -> None:
    done = run(serving, "reproduce", *words)
    assert done.status == 2
    assert "name an adapter, or give --all, which --older-than goes with" in done.said


@pytest.mark.slow
def test_another_instruction_set_is_named_as_the_cause(serving: Path, tmp_path: Path) -> None:
    root = copied(serving, tmp_path)
    recorded = FolderRegistry(root).record("router", 1).environment.cpu_capability
    if recorded in {"DEFAULT", "NO AVX"}:
        pytest.skip("this machine has no other instruction set")
    plain = {"ATEN_CPU_CAPABILITY": "default"}
    done = run(root, "reproduce", "router", "--format", "json", environ=plain)
    [result] = answer(done)["results"]
    assert (done.status, result["level"], result["identical"]) == (1, "B1", False)
    difference = result["first_difference"]
    assert 1 <= difference["step"] <= 12
    assert difference["fields"]
    assert difference["recorded"] != difference["rebuilt"]
    assert f"cpu_capability: {recorded} -> " in result["cause"]
    assert "another instruction set adds up in another order" in result["cause"]
    [_, event] = FolderRegistry(root).events("router")
    assert (event.details["kept"], event.details["cause"]) == (False, result["cause"])
