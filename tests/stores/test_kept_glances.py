"""A kept glance is used only while nothing that it was made from has changed."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from adapterctl.records.glance import Glance
from adapterctl.stores.copies import beside
from adapterctl.stores.registry import KeptGlances
from adapterctl.stores.registry import glances as kept

FILES = ["router", *(f"router/{name}" for name in ("recipe.yaml", "events.jsonl", "1.json"))]
GLANCE = Glance(adapter="router", choice=None, newest=1, builds=[])

pytestmark = pytest.mark.skipif(not kept.TELLS_CHANGES, reason="nothing is kept on this system")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose files were last changed an hour ago, by the file system's own clock.

    Nobody can set the time of an inode's last change: the shelf's clock is moved instead.
    """
    folder = tmp_path / "registry/adapters/router"
    folder.mkdir(parents=True)
    for name in ("recipe.yaml", "1.json"):
        (folder / name).write_text("as it was")
    time.sleep(0.02)  # longer than a tick: what a test changes then has another time
    return tmp_path


class Later(KeptGlances):
    """A shelf as it is opened an hour later."""

    def __init__(self, root: Path, *, hours: int = 1, every: bool = False) -> None:
        super().__init__(root / "registry/adapters", root / ".adapterctl/glances", every=every)
        self._now_ns = (self._now_ns or 0) + hours * 3_600_000_000_000


def keep(root: Path, *, hours: int = 1) -> None:
    shelf = Later(root, hours=hours)
    shelf.put(GLANCE, FILES)
    shelf.write()


def test_what_has_not_changed_is_read_back(root: Path) -> None:
    keep(root)
    assert Later(root).get("router") == GLANCE


def test_what_was_never_kept_is_not_there(root: Path) -> None:
    assert Later(root).get("router") is None


CHANGES = {
    "other bytes": lambda f: (f / "recipe.yaml").write_text("as it is now"),
    "other bytes of the same size": lambda f: (f / "recipe.yaml").write_text("as IT was"),
    "a new file of the same name": lambda f: _replaced(f / "recipe.yaml"),
    "a file that went": lambda f: (f / "1.json").unlink(),
    "a ledger that came": lambda f: (f / "events.jsonl").write_text("{}"),
    "a version that came": lambda f: (f / "2.json").write_text("{}"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_has_changed_is_not(root: Path, change) -> None:
    folder = root / "registry/adapters/router"
    keep(root)
    change(folder)
    assert Later(root).get("router") is None


def test_times_that_were_set_back_deceive_nobody(root: Path) -> None:
    recipe = root / "registry/adapters/router/recipe.yaml"
    keep(root)
    before = recipe.stat()
    recipe.write_text("as IT was")
    os.utime(recipe, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = recipe.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert Later(root).get("router") is None


@pytest.mark.parametrize("with_a_copy", [True, False])
def test_two_processes_find_what_changed_of_any_adapter(tmp_path: Path, with_a_copy: bool) -> None:
    names = [f"adapter-{number}" for number in range(10)]
    recipes = {name: tmp_path / "registry/adapters" / name / "recipe.yaml" for name in names}
    shelf = _filled(tmp_path, recipes)
    shelf.write()
    for changed in ("adapter-1", "adapter-8"):
        recipes[changed].write_text("as it is now")
    found = Later(tmp_path).those_of([*names, "new"], beside if with_a_copy else lambda work: work)
    assert [name for name, glance in found.items() if glance is None] == [
        "adapter-1",
        "adapter-8",
        "new",
    ]
    assert list(found) == [*names, "new"]


def test_what_changed_just_now_is_not_kept(root: Path) -> None:
    """It may change once more within the same tick of the clock, and look the same."""
    keep(root, hours=0)
    assert Later(root).get("router") is None


def test_glances_at_every_version_are_kept_apart(root: Path) -> None:
    keep(root)
    assert Later(root, every=True).get("router") is None


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"\x91\x01"])
def test_a_damaged_shelf_is_as_good_as_none(root: Path, content: bytes) -> None:
    keep(root)
    (root / ".adapterctl/glances/versions-in-use.msgpack").write_bytes(content)
    assert Later(root).get("router") is None


def test_what_another_release_kept_is_not_read(root: Path) -> None:
    keep(root)
    path = root / ".adapterctl/glances/versions-in-use.msgpack"
    content = path.read_bytes()[32:].replace(kept.made_by().encode(), b"0" * 64)
    path.write_bytes(hashlib.sha256(content).digest() + content)
    assert Later(root).get("router") is None


def test_a_shelf_with_one_wrong_byte_is_not_read(root: Path) -> None:
    keep(root)
    path = root / ".adapterctl/glances/versions-in-use.msgpack"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert Later(root).get("router") is None


def test_a_place_that_takes_no_file_keeps_nothing(root: Path) -> None:
    (root / ".adapterctl").write_text("a file in the way")
    shelf = KeptGlances(root / "registry/adapters", root / ".adapterctl/glances", every=False)
    shelf.put(GLANCE, FILES)
    shelf.write()
    assert shelf.get("router") is None


def test_adapters_that_are_gone_are_dropped(root: Path) -> None:
    keep(root)
    Later(root).write()
    shelf = Later(root)
    assert shelf.get("router") is None


def _filled(root: Path, recipes: dict[str, Path]) -> Later:
    for name, recipe in recipes.items():
        recipe.parent.mkdir(parents=True)
        recipe.write_text(f"{name} as it was")
    time.sleep(0.02)
    shelf = Later(root)
    for name in recipes:
        glance = Glance(adapter=name, choice=None, newest=1, builds=[])
        shelf.put(glance, [name, f"{name}/recipe.yaml"])
    return shelf


def _replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)
