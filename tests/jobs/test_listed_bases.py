"""Bases that are declared without their weights: by the Hub's list of files, or at a provider."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapterctl.cli import run
from adapterctl.errors import InvalidInput
from adapterctl.jobs.inputs.base_folder import checked, pin
from adapterctl.records.recipe import Serving
from adapterctl.stores.registry import FolderRegistry
from support.commands import Commands
from support.hub_server import COMMIT, HubContent, git_blob, serving
from support.projects import copied
from support.registries import SmallRegistry
from support.safetensors_files import write_safetensors

REPO = "team/big"
Bases = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "big"
    write_safetensors(folder / "model.safetensors", {"a": ("F32", [2], bytes(range(8)))})
    (folder / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    (folder / "tokenizer.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def hub(weights: Path) -> HubContent:
    files = {path.name: path.read_bytes() for path in weights.iterdir()}
    return HubContent(
        files={
            REPO: {**files, "onnx/model.safetensors": b"another format", "README.md": b"#"},
            "team/pickles": {"pytorch_model.bin": b"pickle"},
        }
    )


@pytest.fixture(scope="module")
def endpoint(hub: HubContent) -> Iterator[str]:
    with serving(hub) as url:
        yield url


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Path:
    """A project with a base that is known by its files alone; to be `copied`."""
    root = tmp_path_factory.mktemp("listed") / "project"
    assert run(["init", str(root)]) == 0
    said = asking(root, endpoint, "add", "big", "--hub", REPO, "--no-download")
    assert (said.returncode, said.stderr) == (0, "")
    return root


@pytest.fixture
def root(listed: Path, tmp_path: Path) -> Path:
    return copied(listed, tmp_path)


@pytest.fixture
def command(root: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(root, capsys)


def asking(root: Path, endpoint: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs ``bases`` in a process of its own: huggingface_hub reads its settings once."""
    online = {"HF_ENDPOINT": endpoint, "HF_HOME": str(root.parent / "hf"), "HF_HUB_OFFLINE": "0"}
    return subprocess.run(
        [sys.executable, "-m", "adapterctl", "--project", str(root), "bases", *words],
        env={**os.environ, **online},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_list_of_files_is_the_identity_and_no_weights_are_fetched(root, hub, weights):
    base = FolderRegistry(root).base("big")
    assert (base.source.hub, base.revision, base.fingerprint) == (REPO, COMMIT, None)
    assert (base.family, base.architecture) == ("bert", "BertModel")
    by_path = {file.path: file for file in base.files}
    assert "README.md" not in by_path and "onnx/model.safetensors" not in by_path
    assert by_path["config.json"].blob == git_blob((weights / "config.json").read_bytes())
    assert by_path["model.safetensors"].sha256 is not None
    assert not any("/resolve/" in path for path in hub.asked)


def test_show_and_list_tell_what_is_known(command):
    shown = command("bases", "show", "big").out
    assert "no tensor fingerprint; " in shown and " file hashes known" in shown
    assert "model.safetensors" in shown
    assert "no tensor fingerprint" in command("bases", "list").out


def test_the_audit_says_what_is_known_and_what_is_not(command, root):
    made = SmallRegistry(root)
    made.adapter("router", base="big")
    results = command("audit", "--offline", "--format", "json", "--fail-on", "critical").json[
        "results"
    ]
    (found,) = [one for one in results if one["code"] in {"BASE001", "BASE002"}]
    assert (found["code"], found["severity"]) == ("BASE002", "medium")
    assert found["message"].startswith("file hashes known, no tensor fingerprint")
    assert found["mend"] == f"adapterctl bases add big --hub {REPO}@{COMMIT}"


def test_what_needs_the_weights_says_what_to_do(root):
    project = SmallRegistry(root).project()
    for needs in (pin, lambda base: checked(project, base)):
        with pytest.raises(InvalidInput) as caught:
            needs(project.registry.base("big"))
        assert str(caught.value) == (
            "registry/bases/big.yaml: base 'big' has no fingerprint: its file hashes are known,"
            f" its tensors are not\n  hint: adapterctl bases add big --hub {REPO}@{COMMIT} fetches"
            " and fingerprints it; or, where its weights lie, adapterctl bases fingerprint DIR"
            " --out FILE, and here the same with --fingerprint FILE"
        )


def test_nothing_is_fetched_that_was_not_to_be(command):
    said = command("bases", "fingerprint", "big")
    assert (said.status, f"{REPO} at {COMMIT} is not in the Hub's cache" in said.err) == (3, True)


def test_the_same_weights_in_a_folder_complete_it(command, root, weights, tmp_path):
    said = command("bases", "add", "big", "--path", str(weights))
    assert said.status == 0, said.err
    base = FolderRegistry(root).base("big")
    assert (base.source.hub, base.revision) == (REPO, COMMIT)
    assert base.fingerprint is not None and base.files
    again = command("bases", "add", "big", "--path", str(weights))
    assert (again.status, "is declared already" in again.out) == (0, True)


def test_a_fingerprint_from_elsewhere_completes_it(command, root, weights, tmp_path):
    taken = tmp_path / "taken.json"
    assert command("bases", "fingerprint", str(weights), "--out", str(taken)).status == 0
    said = command("bases", "add", "big", "--path", "/far/away", "--fingerprint", str(taken))
    assert said.status == 0, said.err
    base = FolderRegistry(root).base("big")
    assert base.fingerprint == json.loads(taken.read_text())["fingerprint"]
    assert base.source.hub == REPO


def test_a_fingerprint_without_files_cannot_complete_it(command, root, weights, tmp_path):
    taken = tmp_path / "taken.json"
    assert command("bases", "fingerprint", str(weights), "--out", str(taken)).status == 0
    older = {key: value for key, value in json.loads(taken.read_text()).items() if key != "files"}
    taken.write_text(json.dumps(older))
    said = command("bases", "add", "big", "--path", "/far/away", "--fingerprint", str(taken))
    assert (said.status, "says nothing of files" in said.err) == (3, True)
    assert FolderRegistry(root).base("big").fingerprint is None


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_other_files_are_refused(command, root, weights, tmp_path, name):
    other = shutil.copytree(weights, tmp_path / "other")
    raw = (other / name).read_bytes()
    (other / name).write_bytes(
        raw.replace(b"Bert", b"Best") if name == "config.json" else raw[:-1] + b"!"
    )
    said = command("bases", "add", "big", "--path", str(other))
    assert (said.status, f"not base 'big': {name} is another file" in said.err) == (3, True)
    assert FolderRegistry(root).base("big").fingerprint is None


def test_the_download_completes_it_and_the_list_alone_changes_nothing_then(root, endpoint):
    again = asking(root, endpoint, "add", "big", "--hub", REPO, "--no-download")
    assert (again.returncode, "is declared already" in again.stdout) == (0, True)
    done = asking(root, endpoint, "add", "big", "--hub", f"{REPO}@{COMMIT}")
    assert done.returncode == 0, done.stderr
    whole = FolderRegistry(root).base("big")
    assert whole.fingerprint is not None
    assert asking(root, endpoint, "add", "big", "--hub", REPO, "--no-download").returncode == 0
    assert FolderRegistry(root).base("big") == whole


def test_a_repository_without_safetensors_cannot_be_listed(root, endpoint):
    said = asking(root, endpoint, "add", "old", "--hub", "team/pickles", "--no-download")
    assert said.returncode == 3
    assert f"hub:team/pickles: no .safetensors files at {COMMIT}" in said.stderr


# at a provider

HOSTED = ["--provider", "openai", "--model", "gpt-4o-mini-2024-07-18", "--region", "eu"]


def test_a_base_at_a_provider_has_no_fingerprint_to_miss(command, root):
    said = command("bases", "add", "mini", *HOSTED)
    assert (said.status, "not obtainable" in said.out) == (0, True)
    made = SmallRegistry(root)
    made.adapter("answers", base="mini", serving=[Serving(provider="openai", region="eu")])
    results = command("audit", "--offline", "--format", "json", "--fail-on", "critical").json[
        "results"
    ]
    about = [one["code"] for one in results if "mini" in (one["base"] or "")]
    assert about and not {"BASE001", "BASE002"} & set(about)
    again = command("bases", "add", "mini", *HOSTED)
    assert (again.status, "is declared already" in again.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--provider", "openai"], "--provider needs --model"),
        (["--hub", "a/b", "--model", "x"], "--model and --region are for a base at a --provider"),
        (["--path", ".", "--no-download"], "--no-download is for --hub"),
    ],
)
def test_options_that_do_not_go_together_are_refused(command, words, said):
    answer = command("bases", "add", "x", *words)
    assert (answer.status, said in answer.err) == (2, True)
