"""Adopting adapters from a bucket: a loopback S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.cli import run
from adapterctl.stores.registry import FolderRegistry
from support.adapter_folders import adapter_folder, some_weights
from support.commands import Commands
from support.s3 import LoopbackS3, loopback_s3


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackS3]:
    folder = tmp_path_factory.mktemp("there")
    with loopback_s3() as server:
        server.bucket("adapters")
        for number, name in enumerate(("router", "invoices")):
            made = adapter_folder(folder / name, weights=some_weights(number))
            for path in made.iterdir():
                server.put("adapters", f"team/{name}/final/{path.name}", path.read_bytes())
        server.put("adapters", "notes/readme.txt", b"no adapter")
        yield server


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    assert run(["init", str(tmp_path / "project")]) == 0
    return Commands(tmp_path / "project", capsys)


def test_every_adapter_below_a_prefix_is_taken_and_comes_from_its_address(s3, command):
    sources = ["s3://adapters/team/", "s3://adapters/notes", "s3://nowhere/x"]
    said = command("import", *sources, "--format", "json")
    assert said.status == 1
    one, two, notes, nowhere = said.json["results"]
    assert (one["path"], one["adapter"], one["grade"]) == (
        "s3://adapters/team/invoices/final",
        "invoices-final",
        "C",
    )
    assert (two["path"], two["adapter"]) == ("s3://adapters/team/router/final", "router-final")
    assert "s3://adapters/notes: no adapter_config.json in it or below" in notes["error"]
    assert nowhere["error"].startswith("s3://nowhere")
    record = FolderRegistry(command.root).any_record("router-final", 1)
    assert record.origin == "s3://adapters/team/router/final"
    assert not list((command.root / ".adapterctl").glob("import-*"))
    again = command("import", "s3://adapters/team", "--format", "json").json["results"]
    assert again == [one, two]
    assert FolderRegistry(command.root).versions("router-final") == [1]
