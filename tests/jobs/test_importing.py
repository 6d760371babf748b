"""Adopting folders, in projects that have DVC and a local remote."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from adapterctl.cli import run
from adapterctl.errors import InvalidInput
from adapterctl.jobs.importing import AT_ONCE, import_adapters
from adapterctl.records.adopted import AdoptedVersion, PeftRelease
from adapterctl.stores.registry import FolderRegistry
from support.adapter_folders import LFS_POINTER, adapter_folder, some_pickle, some_weights
from support.projects import copied
from support.registries import SmallRegistry


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project; to be `copied`."""
    root = tmp_path_factory.mktemp("empty") / "project"
    assert run(["init", str(root)]) == 0
    return root


@pytest.fixture
def made(empty: Path, tmp_path: Path) -> SmallRegistry:
    return SmallRegistry(copied(empty, tmp_path))


def imported(made: SmallRegistry, *sources: Path, name: str | None = None):
    return import_adapters(made.project(), sources, name=name)


def records(made: SmallRegistry) -> list[AdoptedVersion]:
    door = FolderRegistry(made.root)
    return [record for adapter in door.adapters() for record in door.any_records(adapter)]


def tree(root: Path) -> dict[str, bytes]:
    files = (path for path in (root / "registry").rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


# one folder


def test_a_folder_is_recorded_with_what_it_says(made, tmp_path):
    folder = adapter_folder(tmp_path / "Router", weights=some_weights())
    answer = imported(made, folder)
    (result,) = answer.results
    assert (result.adapter, result.version, result.grade) == ("router", 1, "C")
    assert (result.base, result.base_stated) == ("acme/base-7b", "acme/base-7b")
    assert result.peft_release == PeftRelease(min="0.18.1", max="0.18.1")
    assert result.gaps == ["DATA001", "CODE001", "ENV001", "BASE001", "BASE002", "OWN001"]
    assert (answer.new, answer.written) == (("router@1",), ("registry/adapters/router",))
    (record,) = records(made)
    assert record.config == json.loads((folder / "adapter_config.json").read_text())
    assert record.origin == str(folder)


def test_its_bytes_are_in_the_remote_and_come_back_whole(made, tmp_path):
    folder = adapter_folder(tmp_path / "router", weights=some_weights())
    (folder / "README.md").write_text("Routes messages.")
    (folder / "optimizer.pt").write_bytes(b"not what serving needs")
    imported(made, folder)
    (record,) = records(made)
    made.project().dvc.fetch_folder(record.artifacts, tmp_path / "back", from_remote=True)
    back = sorted(path.name for path in (tmp_path / "back" / "adapter").iterdir())
    assert back == ["README.md", "adapter_config.json", "adapter_model.safetensors"]
    weights = tmp_path / "back" / "adapter" / "adapter_model.safetensors"
    assert weights.read_bytes() == some_weights()
    pointer = made.door.adapter_folder("router") / "1.dvc"
    assert record.artifacts.md5 in pointer.read_text()


def test_files_that_are_links_are_followed(made, tmp_path):
    """A snapshot in the Hub's cache is a folder of links into blobs/."""
    real = adapter_folder(tmp_path / "blobs", weights=some_weights())
    home = tmp_path / "models--acme--Support-LoRA" / "snapshots" / ("a" * 40)
    home.mkdir(parents=True)
    for path in real.iterdir():
        (home / path.name).symlink_to(path)
    (result,) = imported(made, home).results
    assert result.adapter == "support-lora"
    (record,) = records(made)
    made.project().dvc.fetch_folder(record.artifacts, tmp_path / "back", from_remote=True)
    weights = tmp_path / "back" / "adapter" / "adapter_model.safetensors"
    assert weights.read_bytes() == some_weights()


def test_a_config_alone_is_grade_d_and_needs_no_dvc(tmp_path):
    made = SmallRegistry(tmp_path / "project")
    answer = imported(made, adapter_folder(tmp_path / "router"))
    (result,) = answer.results
    assert (result.grade, result.gaps[0], result.error) == ("D", "WGT002", None)
    (record,) = records(made)
    assert (record.artifacts, record.weights_sha256) == (None, None)


def test_pickled_weights_are_flagged_and_kept(made, tmp_path):
    folder = adapter_folder(tmp_path / "router")
    (folder / "adapter_model.bin").write_bytes(some_pickle())
    (result,) = imported(made, folder).results
    assert (result.grade, "WGT003" in result.gaps) == ("C", True)
    (record,) = records(made)
    assert record.weights_sha256 is None
    assert "adapter/adapter_model.bin" in [file.path for file in record.artifacts.files]


def test_a_declared_base_is_meant_by_its_repository(made, tmp_path):
    made.base("our-7b", names=["acme/Base-7B"])
    (result,) = imported(made, adapter_folder(tmp_path / "router")).results
    assert (result.base, result.base_stated) == ("our-7b", "acme/base-7b")
    assert "BASE002" not in result.gaps


# twice, and again


def test_importing_twice_adds_nothing(made, tmp_path):
    adapter_folder(tmp_path / "runs" / "router", weights=some_weights())
    adapter_folder(tmp_path / "runs" / "bare")
    adapter_folder(tmp_path / "runs" / "a" / "same", weights=some_weights(2))
    adapter_folder(tmp_path / "runs" / "b" / "same", weights=some_weights(3))
    first = imported(made, tmp_path / "runs")
    before = tree(made.root)
    second = imported(made, tmp_path / "runs")
    assert (len(first.new), second.new, second.written) == (4, (), ())
    assert second.results == first.results
    assert tree(made.root) == before


def test_a_folder_that_was_moved_is_known_by_its_weights(made, tmp_path):
    folder = adapter_folder(tmp_path / "here" / "router", weights=some_weights())
    imported(made, folder)
    shutil.move(folder.parent, tmp_path / "there")
    assert imported(made, tmp_path / "there").new == ()


def test_a_folder_that_was_trained_again_is_the_next_version(made, tmp_path):
    folder = adapter_folder(tmp_path / "router", weights=some_weights(1))
    imported(made, folder)
    adapter_folder(folder, weights=some_weights(2))
    assert imported(made, folder).new == ("router@2",)
    assert imported(made, folder).new == ()


def test_a_killed_import_goes_on_where_it_stopped(made, tmp_path):
    """Between record and pointer there is a moment; the next import writes the pointer."""
    folder = adapter_folder(tmp_path / "router", weights=some_weights())
    imported(made, folder)
    pointer = made.door.adapter_folder("router") / "1.dvc"
    before = pointer.read_bytes()
    pointer.unlink()
    assert imported(made, folder).new == ()
    assert pointer.read_bytes() == before


def test_the_weights_of_a_registered_version_are_that_version(made, tmp_path):
    from adapterctl.stores.safetensors import config_digest, weights_digest

    folder = adapter_folder(tmp_path / "router", weights=some_weights())
    made.base("minilm-l6")
    recipe = made.recipe("router")
    made.version(
        recipe,
        weights_sha256=weights_digest(folder),
        adapter_config_sha256=config_digest(folder),
    )
    answer = imported(made, folder)
    assert answer.new == ()
    assert (answer.results[0].adapter, answer.results[0].version) == ("router", 1)
    assert (answer.results[0].base, answer.results[0].grade) == ("minilm-l6", "A")


def test_weights_that_did_not_change_are_not_hashed_again(made, tmp_path):
    """Who changes what is remembered of a file is believed: nothing is read again."""
    folder = adapter_folder(tmp_path / "router", weights=some_weights())
    imported(made, folder)
    (entry,) = (made.root / ".adapterctl" / "cache" / "adapters").glob("*.json")
    kept = json.loads(entry.read_text())
    kept["tensors"][0]["sha256"] = "0" * 64
    entry.write_text(json.dumps(kept))
    assert imported(made, folder).new == ("router@2",)


# names


def test_two_folders_of_one_name_are_two_adapters(made, tmp_path):
    adapter_folder(tmp_path / "a" / "router", weights=some_weights(1))
    adapter_folder(tmp_path / "b" / "router", weights=some_weights(2))
    adapter_folder(tmp_path / "c" / "router")
    adapter_folder(tmp_path / "d" / "router")
    names = [one.adapter for one in imported(made, tmp_path).results]
    assert names[0] == "router"
    assert all(name.startswith("router-") and len(name) == 15 for name in names[1:])
    assert len(set(names)) == 4


def test_the_name_of_a_registered_adapter_is_not_taken_over(made, tmp_path):
    made.base("minilm-l6")
    made.adapter("router", promoted=False)
    (result,) = imported(made, adapter_folder(tmp_path / "router")).results
    assert result.adapter.startswith("router-")


def test_a_given_name_adds_a_version_to_the_adapter_of_that_name(made, tmp_path):
    made.base("minilm-l6")
    made.adapter("router", promoted=False)
    folder = adapter_folder(tmp_path / "elsewhere", weights=some_weights())
    assert imported(made, folder, name="router").new == ("router@2",)
    assert imported(made, folder, name="router").new == ()


def test_a_name_is_for_one_folder_and_has_to_be_valid(made, tmp_path):
    adapter_folder(tmp_path / "runs" / "one")
    adapter_folder(tmp_path / "runs" / "two")
    with pytest.raises(InvalidInput, match="--name both is for one folder, and there are 2"):
        imported(made, tmp_path / "runs", name="both")
    with pytest.raises(InvalidInput, match=r"not a name: '\.\./up'"):
        imported(made, tmp_path / "runs" / "one", name="../up")
    assert records(made) == []


# folders that cannot be taken


def lfs_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_bytes(LFS_POINTER)


def lfs_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(LFS_POINTER)


def lfs_pickle(folder: Path) -> None:
    (folder / "adapter_model.bin").write_bytes(LFS_POINTER)


def cut_off_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(some_weights()[:-4])


def cut_off_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LO')


def not_an_object(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("[]")


def nan_in_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": NaN}')


def deep_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("[" * 100_000)


def large_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"a": "' + "x" * 1_000_000 + '"}')


def half_a_character(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "x": "\\ud800"}')


def two_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(some_weights())
    (folder / "adapter_model.bin").write_bytes(some_pickle())


def no_peft_type(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"r": 8}')


def a_strange_type(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": ["LORA"]}')


def mlx(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"fine_tune_type": "lora", "model": "x"}')


def adapterhub(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"config": {}, "model_name": "bert"}')


WORDS = {
    lfs_config: "a Git LFS pointer, not the config",
    lfs_weights: "a Git LFS pointer, not the weights",
    lfs_pickle: "a Git LFS pointer, not the weights",
    cut_off_weights: "truncated: ",
    cut_off_config: "not a JSON object: Input data was truncated",
    not_an_object: "not a JSON object: Expected `object`, got `array`",
    nan_in_config: "not a JSON object: JSON is malformed",
    deep_config: "not a JSON object: ",
    half_a_character: "not a JSON object: ",
    large_config: "1,000,009 bytes are too many for a config",
    two_weights: "holds both adapter_model.safetensors and adapter_model.bin",
    no_peft_type: "not a PEFT adapter: no peft_type",
    a_strange_type: "not a PEFT adapter: its peft_type is ['LORA']",
    mlx: "not a PEFT adapter: a config of MLX (mlx-lm)",
    adapterhub: "not a PEFT adapter: a config of Adapters (AdapterHub)",
}


@pytest.mark.parametrize("spoil", WORDS, ids=lambda spoil: spoil.__name__)
def test_a_bad_folder_gets_a_clear_word_and_concerns_itself_only(tmp_path, spoil):
    made = SmallRegistry(tmp_path / "project")
    bad = adapter_folder(tmp_path / "runs" / "bad")
    spoil(bad)
    adapter_folder(tmp_path / "runs" / "good")
    first, second = imported(made, tmp_path / "runs").results
    assert (first.path, first.adapter, first.grade) == (str(bad), None, None)
    assert first.error.startswith(str(bad))
    assert f": {WORDS[spoil]}" in first.error
    assert (second.adapter, second.error) == ("good", None)


@pytest.mark.parametrize("odd", ["9" * 40, "[" * 600 + "]" * 600, '{"": {}}'])
def test_odd_values_are_kept_and_read_back(tmp_path, odd):
    made = SmallRegistry(tmp_path / "project")
    folder = adapter_folder(tmp_path / "odd")
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "x": ' + odd + "}")
    assert imported(made, folder).results[0].error is None
    (record,) = records(made)
    assert record.config["x"] == msgspec.json.decode(odd)


def test_a_source_without_adapters_gets_a_clear_word(tmp_path):
    made = SmallRegistry(tmp_path / "project")
    (tmp_path / "empty").mkdir()
    good = adapter_folder(tmp_path / "good")
    nowhere, empty, taken = imported(made, tmp_path / "no", tmp_path / "empty", good).results
    assert nowhere.error == (
        f"{tmp_path}/no: no such folder\n  hint: name a folder that PEFT has saved"
    )
    assert empty.error == (
        f"{tmp_path}/empty: no adapter_config.json in it or below\n"
        "  hint: name a folder that PEFT has saved, or one that holds such folders"
    )
    assert taken.error is None


def test_a_folder_that_is_named_twice_is_imported_once(tmp_path):
    made = SmallRegistry(tmp_path / "project")
    folder = adapter_folder(tmp_path / "runs" / "router")
    (tmp_path / "link").symlink_to(folder)
    assert len(imported(made, folder, tmp_path / "runs", tmp_path / "link").results) == 1


def test_checkpoints_below_an_adapter_are_not_adapters_of_their_own(tmp_path):
    made = SmallRegistry(tmp_path / "project")
    adapter_folder(tmp_path / "runs" / "router")
    adapter_folder(tmp_path / "runs" / "router" / "checkpoint-500")
    assert [one.adapter for one in imported(made, tmp_path / "runs").results] == ["router"]


# the corpus, and many


def test_every_config_of_the_corpus_imports_with_its_type(tmp_path, corpus: Path):
    made = SmallRegistry(tmp_path / "project")
    expected = {}
    for path in (corpus / "adapters" / "configs").iterdir():
        folder = tmp_path / "runs" / path.name.removesuffix("_adapter_config.json")
        folder.mkdir(parents=True)
        shutil.copyfile(path, folder / "adapter_config.json")
        expected[str(folder)] = json.loads(path.read_bytes()).get("peft_type")
    results = imported(made, tmp_path / "runs").results
    assert {one.path: one.peft_type for one in results} == expected
    assert len(results) == 112
    assert len(set(expected.values()) - {None}) == 39
    errors = Counter(
        one.error.rpartition("json: ")[2].split("\n")[0] for one in results if one.error
    )
    assert errors == {
        "not a PEFT adapter: a config of MLX (mlx-lm)": 1,
        "not a PEFT adapter: a config of Adapters (AdapterHub)": 1,
    }
    assert len(records(made)) == 110
    assert all(one.peft_release.min for one in results if one.error is None)


def test_more_folders_than_one_transaction_takes_are_all_imported_and_shown(made, tmp_path):
    class Watching:
        def __init__(self):
            self.seen = []

        def say(self, text):
            pass

        def progress(self, label, done, total, *, note=""):
            if label == "importing":
                self.seen.append((done, total))

    count = AT_ONCE + 2
    for number in range(count):
        adapter_folder(tmp_path / "runs" / f"router-{number:03}", weights=some_weights(number))
    from dataclasses import replace

    display = Watching()
    project = replace(made.project(), display=display)
    answer = import_adapters(project, [tmp_path / "runs"], name=None)
    assert len(answer.new) == count
    assert display.seen == [(AT_ONCE, count), (count, count)]
    assert answer.written == ("registry/adapters",)
    md5s = [record.artifacts.md5 for record in records(made)]
    assert made.project().dvc.missing(md5s) == []
