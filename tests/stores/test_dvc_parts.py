"""Many folders in one transaction with DVC, and only some of their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.stores.dvc import DvcStore


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> DvcStore:
    root = tmp_path_factory.mktemp("parts") / "project"
    root.mkdir()
    made = DvcStore(root)
    made.init(Path("../storage"))
    return made


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def test_chosen_files_of_each_folder_become_one_object(store: DvcStore, tmp_path: Path) -> None:
    one = folder(tmp_path / "one", weights="1", config="{}", optimizer="large")
    two = folder(tmp_path / "two", weights="2")
    parts = [(one, ("config", "weights")), (two, ("weights",))]
    first, second = store.add_parts(parts, under="adapter")
    assert [file.path for file in first.files] == ["adapter/config", "adapter/weights"]
    assert (first.size, second.size) == (3, 1)
    store.push([first, second])
    store.fetch_folder(first, tmp_path / "back", from_remote=True)
    assert (tmp_path / "back" / "adapter" / "weights").read_text() == "1"


def test_it_is_the_object_that_dvc_makes_of_such_a_folder(store: DvcStore, tmp_path: Path) -> None:
    folder(tmp_path / "whole" / "adapter", weights="1", config="{}")
    whole = store.add_folder(tmp_path / "whole")
    parts = [(tmp_path / "whole" / "adapter", ("weights", "config"))]
    assert store.add_parts(parts, under="adapter") == [whole]


def test_a_file_that_is_gone_is_a_clear_error(store: DvcStore, tmp_path: Path) -> None:
    one = folder(tmp_path / "one", weights="1")
    with pytest.raises(AdapterctlError) as raised:
        store.add_parts([(one, ("config",))], under="adapter")
    assert str(one / "config") in str(raised.value)
