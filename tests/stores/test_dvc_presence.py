"""What a remote holds, by its file system and by DVC itself: one answer, or DVC has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.stores.dvc import DvcStore
from adapterctl.stores.dvc.presence import held_in_folder, held_through_dvc
from support.indexes import serving
from support.worlds import at

pytest.importorskip("dvc")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> DvcStore:
    folder = tmp_path_factory.mktemp("presence")
    (folder / "project").mkdir()
    made = DvcStore(folder / "project")
    made.init(Path("../storage"))
    return made


def test_dvc_lays_objects_out_as_they_are_looked_for(store: DvcStore, tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "weights").write_bytes(b"weights")
    (tmp_path / "recipe.yaml").write_text("a: 1\n")
    (store.root / "rows.jsonl").write_text('{"a": 1}\n')
    folder, rows = store.add_folder(tmp_path), store.pin("rows.jsonl")
    store.push([folder, rows])
    remote = store.configured()
    assert remote is not None
    wanted = [folder.md5, rows.md5, "0" * 32, f"{'0' * 32}.dir"]
    quick, slow = held_in_folder(remote, wanted), held_through_dvc(store.root, remote, wanted)
    assert quick.sizes.keys() == slow.sizes.keys()
    assert quick.listings == slow.listings
    assert set(quick.listings[folder.md5]) == {"adapter/weights", "recipe.yaml"}
    assert quick.sizes[rows.md5] == 9
    assert len(quick.sizes) == 4
    at(Path(remote.url), quick.listings[folder.md5]["recipe.yaml"]).unlink()
    assert len(held_in_folder(remote, wanted).sizes) == 3
    assert len(held_through_dvc(store.root, remote, wanted).sizes) == 3


def test_a_remote_of_another_kind_is_asked_through_dvc(store: DvcStore, tmp_path: Path) -> None:
    """Over HTTP, as one that no door of ours is made for."""
    (tmp_path / "weights").write_bytes(b"other weights")
    folder = store.add_folder(tmp_path)
    store.push([folder])
    local = store.configured()
    assert local is not None
    config = store.root / ".dvc" / "config"
    before = config.read_text()
    with serving(Path(local.url)) as url:
        config.write_text(f"{before}['remote \"web\"']\n    url = {url}\n")
        web = DvcStore(store.root, remote="web")
        remote = web.configured()
        assert remote is not None
        held = web.held(remote, [folder.md5, "0" * 32])
    config.write_text(before)
    assert set(held.listings[folder.md5]) == {"weights"}
    assert held.sizes.keys() == {folder.md5, *held.listings[folder.md5].values()}
    assert set(held.sizes.values()) == {None}
