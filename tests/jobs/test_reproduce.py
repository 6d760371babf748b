"""Reproducing: the same bytes whatever the process; on a mismatch, the first step that differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapterctl.records.canonical import pretty
from adapterctl.records.version import TrailStep, VersionRecord
from adapterctl.rules.arithmetic import LATEST
from adapterctl.stores.dvc import DvcStore
from adapterctl.stores.registry import FolderRegistry
from adapterctl.stores.safetensors import weights_digest
from support.killing import run
from support.projects import copied

SHAPE = [
    "adapter",
    "version",
    "level",
    "identical",
    "digest_recorded",
    "digest_rebuilt",
    "first_difference",
]
OTHER = "0" * 64


def record_of(root: Path) -> VersionRecord:
    return FolderRegistry(root).record("router", 1)


def tampered(root: Path, folder: Path, change: Callable[[TrailStep], TrailStep]) -> Path:
    """Copies a project and rewrites the trail that its version has on record."""
    copy = copied(root, folder)
    record, version = record_of(copy), folder / "version"
    store = DvcStore(copy)
    store.fetch_folder(record.artifacts, version)
    trail = version / "trail.jsonl"
    steps = [msgspec.json.decode(line, type=TrailStep) for line in trail.read_bytes().splitlines()]
    trail.write_bytes(b"".join(msgspec.json.encode(change(step)) + b"\n" for step in steps))
    artifacts = store.add_folder(version)
    store.push([artifacts])
    rewrite(copy, msgspec.structs.replace(record, artifacts=artifacts, weights_sha256=OTHER))
    return copy


def rewrite(root: Path, record: VersionRecord) -> None:
    FolderRegistry(root).record_path("router", 1).write_bytes(pretty(record))


def reproduce(root: Path) -> tuple[int, dict[str, Any]]:
    done = run(root, "reproduce", "router@1", "--format", "json")
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    [result] = json.loads(done.said[start : stop + 1])["results"]
    assert list(result)[: len(SHAPE)] == SHAPE
    return done.status, result


def test_the_first_differing_step_is_named(whole: Path, tmp_path: Path) -> None:
    def change(step: TrailStep) -> TrailStep:
        wrong = float.fromhex(step.loss) + (1e-12 if step.step >= 8 else 0.0)
        return msgspec.structs.replace(step, loss=wrong.hex())

    root = tampered(whole, tmp_path, change)
    status, result = reproduce(root)
    assert status == 1
    assert (result["level"], result["identical"]) == ("B1", False)
    assert result["digest_recorded"] == OTHER
    assert result["digest_rebuilt"] == record_of(whole).weights_sha256
    difference = result["first_difference"]
    assert (difference["step"], difference["fields"]) == (8, ["loss"])
    assert difference["recorded"]["loss"] != difference["rebuilt"]["loss"]
    [event] = FolderRegistry(root).events("router")
    assert (event.event, event.details["identical"]) == ("reproduced", False)


def test_what_was_padded_is_padded_again(whole: Path, tmp_path: Path) -> None:
    root, record = copied(whole, tmp_path), record_of(whole)
    assert record.training is not None
    assert record.training.unpadded
    assert record.training.arithmetic == LATEST
    as_before = ("--padded", "--arithmetic", "1", "--out", str(tmp_path / "padded"))
    assert run(root, "train", "router", *as_before).status == 0
    assert "arithmetic" not in (tmp_path / "padded" / "training.json").read_text()
    digest = weights_digest(tmp_path / "padded" / "adapter_model.safetensors")
    assert digest != record.weights_sha256
    # As a record that was written before says nothing of it.
    training = msgspec.structs.replace(record.training, unpadded=False, arithmetic=1)
    before = msgspec.structs.replace(record, training=training, weights_sha256=digest)
    rewrite(root, before)
    assert "unpadded" not in FolderRegistry(root).record_path("router", 1).read_text()
    status, result = reproduce(root)
    assert (status, result["level"], result["identical"]) == (0, "B2", True)


@pytest.mark.slow
def test_weights_that_differ_at_a_logged_step_are_named(whole: Path, tmp_path: Path) -> None:
    def change(step: TrailStep) -> TrailStep:
        if step.step < 9 or step.weights_sha256 is None:
            return step
        return msgspec.structs.replace(step, weights_sha256=OTHER)

    status, result = reproduce(tampered(whole, tmp_path, change))
    assert status == 1
    difference = result["first_difference"]
    assert (difference["step"], difference["fields"]) == (9, ["weights_sha256"])


@pytest.mark.slow
def test_a_digest_that_differs_after_an_equal_trail_is_told(whole: Path, tmp_path: Path) -> None:
    root = copied(whole, tmp_path)
    rewrite(root, msgspec.structs.replace(record_of(root), weights_sha256=OTHER))
    done = run(root, "reproduce", "router@1")
    assert done.status == 1
    assert "router@1 DIFFERS" in done.said
    assert "diverges  after the last logged step: the trails agree" in done.said


def test_an_adapter_that_was_trained_elsewhere_cannot_be_reproduced(
    whole: Path, tmp_path: Path
) -> None:
    root = copied(whole, tmp_path)
    rewrite(root, msgspec.structs.replace(record_of(root), training=None))
    done = run(root, "reproduce", "router@1")
    assert done.status == 3
    assert "router@1 was trained elsewhere: there is no recorded run to repeat" in done.said


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"},
        pytest.param(
            {"PYTHONHASHSEED": "4242", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
            marks=[pytest.mark.slow],
        ),
    ],
    ids=["one thread", "two threads"],
)
def test_the_command_gives_the_same_bytes_in_other_processes(
    variables: dict[str, str], whole: Path, tmp_path: Path
) -> None:
    root, out = copied(whole, tmp_path), tmp_path / "trained"
    command = [sys.executable, "-m", "adapterctl", "--project", str(root), "train", "router"]
    threads = str(record_of(root).environment.threads)
    subprocess.run(
        [*command, "--out", str(out), "--threads", threads],
        env=os.environ | variables,
        check=True,
    )
    found = weights_digest(out / "adapter_model.safetensors")
    assert found == record_of(root).weights_sha256
