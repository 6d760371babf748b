"""Adopting adapters from the Hub: a server on loopback that answers as the Hub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapterctl.cli import run
from adapterctl.records.adopted import AdoptedVersion
from adapterctl.stores.registry import FolderRegistry
from support.adapter_folders import LORA, some_pickle, some_weights
from support.hub_server import COMMIT, GATED, LIMITED, UNAUTHORIZED, HubContent, serving

CONFIG = json.dumps(LORA).encode()
NEXT = "b" * 40

ADAPTER = {"adapter_config.json": CONFIG, "adapter_model.safetensors": some_weights(1)}
BOTH = {**ADAPTER, "adapter_model.bin": some_pickle(), "README.md": b"# both"}
BELOW = {
    "a/adapter_config.json": CONFIG,
    "a/adapter_model.safetensors": some_weights(2),
    "b/adapter_config.json": CONFIG,
    "b/adapter_model.bin": some_pickle(),
    "model.safetensors": b"the base, which nobody asked for",
}


@pytest.fixture(scope="module")
def hub() -> HubContent:
    return HubContent(
        files={
            "team/Router": dict(ADAPTER) | {"checkpoint-5/adapter_config.json": CONFIG},
            "team/both": BOTH,
            "team/several": BELOW,
            "team/base": {"config.json": b"{}", "README.md": b"#"},
            "team/closed": dict(ADAPTER),
            "team/ours": {**ADAPTER, "adapter_model.safetensors": some_weights(5)},
        },
        tokens={"team/ours": "hf_ours"},
        refused={"team/secret": UNAUTHORIZED, "team/busy": LIMITED},
        closed={"team/closed": GATED},
    )


@pytest.fixture(scope="module")
def endpoint(hub: HubContent) -> Iterator[str]:
    with serving(hub) as url:
        yield url


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub") / "project"
    assert run(["init", str(root)]) == 0
    return root


def imported(root: Path, endpoint: str, *sources: str, **settings: str) -> list[dict[str, Any]]:
    """Imports in a process of its own: huggingface_hub reads its settings once."""
    online = {"HF_ENDPOINT": endpoint, "HF_HOME": str(root.parent / "hf"), "HF_HUB_OFFLINE": "0"}
    words = ["--project", str(root), "import", *sources, "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "adapterctl", *words],
        env={**os.environ, **online, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return results


@pytest.fixture(scope="module")
def first(root: Path, endpoint: str) -> list[dict[str, Any]]:
    """What one import of everything says."""
    names = "Router both several base closed secret none busy".split()
    return imported(root, endpoint, *(f"hub:team/{name}" for name in names), "hub:a/b/c")


def record(root: Path, adapter: str, version: int = 1) -> AdoptedVersion:
    found = FolderRegistry(root).any_record(adapter, version)
    assert isinstance(found, AdoptedVersion)
    return found


def test_a_branch_is_resolved_and_the_commit_is_the_origin(root, first):
    assert (first[0]["path"], first[0]["adapter"], first[0]["grade"]) == (
        f"hub:team/Router@{COMMIT}",
        "router",
        "C",
    )
    assert record(root, "router").origin == f"hub:team/Router@{COMMIT}"
    assert record(root, "router").config == LORA


def test_of_two_files_of_weights_the_one_that_peft_loads_is_taken(root, hub, first):
    assert first[1]["adapter"] == "both"
    kept = [file.path for file in record(root, "both").artifacts.files]
    assert kept == [
        "adapter/README.md",
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
    ]
    asked = [path for path in hub.asked if path.startswith("/team/both/resolve/")]
    assert asked and not any(path.endswith("adapter_model.bin") for path in asked)


def test_every_adapter_of_a_repository_is_taken_and_nothing_else_fetched(root, hub, first):
    assert [one["path"] for one in first[2:4]] == [
        f"hub:team/several@{COMMIT}/a",
        f"hub:team/several@{COMMIT}/b",
    ]
    assert [one["error"] for one in first[2:4]] == [None, None]
    assert "WGT003" in first[3]["gaps"]
    assert not [path for path in hub.asked if path.endswith("/model.safetensors")]


WORDS = {
    4: "hub:team/base: no adapter_config.json in it or below",
    5: "hub:team/closed: gated: the token here has no access",
    6: "hub:team/secret: 401: private, gated, renamed or removed; without access the Hub does",
    7: "hub:team/none: no such repository, or a private one",
    8: "hub:team/busy: 429: too many requests for now",
    9: "hub:a/b/c: not a repository of the Hub",
}


@pytest.mark.parametrize(("at", "words"), WORDS.items())
def test_what_cannot_be_had_gets_a_clear_word_and_concerns_itself_only(first, at, words):
    assert first[at]["error"].startswith(words)
    assert first[at]["adapter"] is None
    assert len(first) == 10


def test_twice_adds_nothing_and_another_commit_is_the_next_version(root, hub, endpoint, first):
    again = imported(root, endpoint, f"hub:team/Router@{COMMIT}", HF_HUB_OFFLINE="1")
    assert [(one["adapter"], one["version"]) for one in again] == [("router", 1)]
    hub.files["team/Router"]["adapter_model.safetensors"] = some_weights(9)
    hub.commits["team/Router"] = NEXT
    moved = imported(root, endpoint, "hub:team/Router@main")
    assert [(one["adapter"], one["version"]) for one in moved] == [("router", 2)]
    assert record(root, "router", 2).origin == f"hub:team/Router@{NEXT}"


def test_a_token_opens_what_is_private(root, endpoint):
    (shut,) = imported(root, endpoint, "hub:team/ours")
    assert shut["error"].startswith("hub:team/ours: 401: private, gated, renamed or removed")
    (taken,) = imported(root, endpoint, "hub:team/ours", HF_TOKEN="hf_ours")
    assert (taken["adapter"], taken["error"]) == ("ours", None)
    text = (root / "registry" / "adapters" / "ours" / "1.json").read_text()
    assert "hf_ours" not in text


def test_without_the_network_the_word_is_that_it_does_not_answer(root):
    (one,) = imported(root, "http://127.0.0.1:9", "hub:team/elsewhere")
    assert one["error"].startswith(
        "hub:team/elsewhere: the Hub does not answer, and its cache has no main: "
    )
