"""Bases whose weights lie elsewhere, and copies of those that may vanish."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from adapterctl.cli import run as main
from adapterctl.stores.registry import FolderRegistry
from support.commands import Commands
from support.tiny_bases import tiny_bert


@pytest.fixture
def root(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "project")]) == 0
    return tmp_path / "project"


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(root, capsys)


def test_a_base_is_declared_by_what_was_fingerprinted_where_it_lies(
    root: Path, run: Commands, tmp_path: Path
) -> None:
    far = tiny_bert(tmp_path / "far")
    taken = tmp_path / "far.json"
    assert run("bases", "fingerprint", str(far), "--out", str(taken)).status == 0
    there = run("bases", "add", "there", "--path", str(far))
    shutil.move(far, tmp_path / "gone")
    said = run("bases", "add", "big", "--path", str(far), "--fingerprint", str(taken))
    assert (there.status, said.status) == (0, 0)
    registry = FolderRegistry(root)
    assert registry.base("big").fingerprint == registry.base("there").fingerprint
    assert registry.base("big").revision == registry.base("there").revision
    assert registry.base("big").digests == registry.base("there").digests


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such file"), ("{}", "not a fingerprint"), ("x", "malformed")]
)
def test_a_file_that_is_no_fingerprint_declares_nothing(
    root: Path, run: Commands, tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "taken.json"
    if content is not None:
        file.write_text(content)
    answer = run("bases", "add", "big", "--path", "/elsewhere", "--fingerprint", str(file))
    assert answer.status == 3
    assert said in answer.err and "bases fingerprint DIR --out FILE" in answer.err
    assert FolderRegistry(root).bases() == []


def test_a_mirror_serves_when_the_source_is_gone(root: Path, run: Commands, tmp_path: Path) -> None:
    source, copy = tiny_bert(tmp_path / "source"), tmp_path / "ours" / "bert"
    copy.parent.mkdir()
    assert run("bases", "add", "bert", "--path", str(source)).status == 0
    told = run("bases", "mirror", "bert", "--to", str(copy), "--format", "json")
    assert told.status == 0
    assert told.json["results"][0]["mirror"] == str(copy)
    assert FolderRegistry(root).base("bert").mirror == str(copy)
    shutil.rmtree(source)
    said = run("bases", "fingerprint", "bert", "--format", "json")
    assert json.loads(said.out)["results"][0]["fingerprint"].startswith("fp1:")
    assert f"its mirror {copy} serves" in said.err


def test_a_mirror_is_made_once_and_is_the_base(root: Path, run: Commands, tmp_path: Path) -> None:
    source, copy = tiny_bert(tmp_path / "source"), tmp_path / "copy"
    assert run("bases", "add", "bert", "--path", str(source)).status == 0
    assert run("bases", "mirror", "bert", "--to", str(copy)).status == 0
    assert run("bases", "mirror", "bert", "--to", str(copy)).status == 0
    weights = copy / "model.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(raw)
    spoilt = run("bases", "mirror", "bert", "--to", str(copy))
    assert spoilt.status == 3 and "the copy is not base 'bert'" in spoilt.err


def test_a_folder_with_something_else_is_left_alone(
    root: Path, run: Commands, tmp_path: Path
) -> None:
    source, other = tiny_bert(tmp_path / "source"), tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    assert run("bases", "add", "bert", "--path", str(source)).status == 0
    said = run("bases", "mirror", "bert", "--to", str(other))
    assert said.status == 3 and "not empty, and no copy of the base" in said.err
    assert [file.name for file in other.iterdir()] == ["notes.txt"]
    assert FolderRegistry(root).base("bert").mirror is None


def test_the_catalogue_is_looked_through_and_declared_from(root: Path, run: Commands) -> None:
    listed = run("bases", "list", "--catalogue", "minilm")
    assert listed.out.splitlines()[0].split() == [
        "all-minilm-l6-v2",
        "apache-2.0",
        "hub:sentence-transformers/all-MiniLM-L6-v2",
    ]
    every = run("bases", "list", "--catalogue", "--format", "json").json["results"]
    assert len(every) >= 80 and all(one["page"] for one in every)
    added = run("bases", "add", "all-minilm-l6-v2")
    assert "not pinned: --hub sentence-transformers/all-MiniLM-L6-v2@REV pins one" in added.out
    hosted = run("bases", "add", "llama-3.1-8b-instruct", "--provider", "bedrock")
    assert "bedrock: meta.llama3-1-8b-instruct-v1:0" in hosted.out
    unknown = run("bases", "add", "llama-3.1")
    assert unknown.status == 2 and "llama-3.1-8b-instruct" in unknown.err
    nowhere = run("bases", "add", "gpt2", "--provider", "acme")
    assert nowhere.status == 2 and "--provider needs --model" in nowhere.err
    assert FolderRegistry(root).bases() == ["all-minilm-l6-v2", "llama-3.1-8b-instruct"]


def test_a_base_is_shown_with_the_names_under_which_its_dates_are_known(
    root: Path, run: Commands
) -> None:
    begun = run("lifecycle", "start", "--format", "json").json["results"]
    assert [one["feed"] for one in begun if one["recorded"]] == sorted(
        path.stem for path in (root / "registry" / "lifecycle").glob("*.jsonl")
    )
    assert run("bases", "add", "llama-3.1-8b-instruct").status == 0
    shown = run("bases", "show", "llama-3.1-8b-instruct", "--format", "json").json["results"][0]
    there = {"name": "llama-3.1-8b-instant", "provider": "groq", "rule": "table"}
    assert there in shown["found_under"]
    assert (
        "groq: llama-3.1-8b-instant  (the provider's name"
        in run("bases", "show", shown["base"]).out
    )


def test_names_are_given_and_taken_together(root: Path, run: Commands) -> None:
    assert run("bases", "add", "gpt2").status == 0
    given = run("bases", "alias", "gpt2", "one", "two")
    assert given.out.startswith("gpt2 is also known as gpt2, one, two\n")
    taken = run("bases", "alias", "gpt2", "one", "two", "--remove", "--format", "json")
    assert taken.json["results"][0]["names"] == ["gpt2"]
