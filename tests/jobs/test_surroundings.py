"""Hostile surroundings: said with place and hint, nothing half-written, and mended later."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapterctl.records.version import VersionRecord
from adapterctl.stores.registry import FolderRegistry
from support.killing import Done, run
from support.leftovers import Leftovers, left
from support.projects import copied, md5_in_artifact, object_path

ROUTER = "registry/adapters/router/recipe.yaml"
REGISTER = ("register", ROUTER)
REBUILD = ("rebuild", "router", "--to", "new-base")

NO_ROOM = "No space left on device\n  hint: "
NOWHERE = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}


def ran(root: Path, *words: str) -> Path:
    done = run(root, *words)
    assert done.status == 0, done.said
    return root


def record_of(root: Path, version: int = 1) -> VersionRecord:
    return FolderRegistry(root).record("router", version)


def assert_nothing_filed(found: Leftovers) -> None:
    assert (found.versions, found.pointers, found.mirrored) == ({}, {}, [])


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@contextmanager
def room_for(kilobytes: int, *, on: Path) -> Iterator[None]:
    """Fills a file system but for some kilobytes, and frees it again."""
    filler = on / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(on).free - 1024 * kilobytes)
    yield
    filler.unlink()


def test_a_full_disk_is_found_before_anything_is_begun(
    template: Path, whole: Path, small_disk: Path
) -> None:
    root = copied(template, small_disk)
    with room_for(0, on=small_disk):
        before = files_of(root)
        done = run(root, *REGISTER)
        assert (done.status, files_of(root)) == (3, before)
    assert done.said == (
        f"error: {root}/registry/adapters/router: cannot write: {NO_ROOM}"
        "free some space and run the command again\n"
    )
    assert left(ran(root, *REGISTER)) == left(whole)


# What fits decides where it stops: in a checkpoint, in the artifact, just before the claim.
@pytest.mark.parametrize(
    "kilobytes",
    [
        pytest.param(kilobytes, marks=[] if kilobytes in {200, 500} else [pytest.mark.slow])
        for kilobytes in sorted({200, 500, *range(80, 640, 28)})
    ],
)
def test_a_disk_that_fills_up_leaves_nothing_half_filed(
    kilobytes: int, template: Path, whole: Path, small_disk: Path
) -> None:
    root = copied(template, small_disk)
    with room_for(kilobytes, on=small_disk):
        done = run(root, *REGISTER)
        if done.status == 0:
            assert kilobytes > 500
            assert list(left(root).versions) == [1] == list(left(root).pointers)
        else:
            assert done.status == 3
            assert f"error: {root.parent}" in done.said and NO_ROOM in done.said
            assert_nothing_filed(left(root))
    assert left(ran(root, *REGISTER)) == left(whole)


@pytest.mark.slow
def test_a_disk_that_fills_up_during_a_rebuild_leaves_no_candidate(
    serving: Path, rebuilt: Path, small_disk: Path
) -> None:
    root = copied(serving, small_disk)
    with room_for(300, on=small_disk):
        done = run(root, *REBUILD)
        assert done.status == 3
        assert NO_ROOM in done.said
        assert left(root).without("scratch", "journals") == left(serving).without(
            "scratch", "journals"
        )
    assert left(ran(root, *REBUILD, "--resume")) == left(rebuilt)


def test_a_limit_on_file_sizes_is_found_before_anything_is_begun(
    template: Path, tmp_path: Path
) -> None:
    root = copied(template, tmp_path)
    before = files_of(root)
    done = run(root, *REGISTER, file_limit=40_000)
    assert (done.status, files_of(root)) == (3, before)
    assert done.said == (
        f"error: {root}/registry/adapters/router: cannot write: File too large\n"
        "  hint: raise the limit on file sizes\n"
    )


# A read-only registry


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Makes a folder read-only: for root by a mount, as modes do not bind it."""
    if os.geteuid():
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    for options in (["--bind", str(folder)], ["-o", "remount,bind,ro"]):
        if subprocess.run(["mount", *options, str(folder)], check=False).returncode:
            pytest.skip("this user may not mount a folder read-only")
    yield
    subprocess.run(["umount", str(folder)], check=True)


def files_of(root: Path) -> dict[str, tuple[int, int]]:
    """Returns size and time of every file of a project."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("words", [REGISTER, REBUILD], ids=["register", "rebuild"])
def test_a_read_only_registry_is_found_before_anything_is_begun(
    words: tuple[str, ...],
    template: Path,
    whole: Path,
    serving: Path,
    rebuilt: Path,
    tmp_path: Path,
) -> None:
    before, after = (template, whole) if words is REGISTER else (serving, rebuilt)
    root = copied(before, tmp_path)
    with read_only(root / "registry"):
        files = files_of(root)
        done = run(root, *words)
        assert (done.status, files_of(root)) == (3, files)
    assert done.said.startswith(f"error: {root}/registry/adapters/router: cannot write: ")
    assert "\n  hint: make " in done.said
    assert left(ran(root, *words)) == left(after)


def test_a_promotion_in_a_read_only_registry_moves_nothing(rebuilt: Path, tmp_path: Path) -> None:
    root = copied(rebuilt, tmp_path)
    before = left(root)
    with read_only(root / "registry"):
        done = run(root, "promote", "router@candidate")
    assert done.status == 3
    assert done.said.startswith(f"error: {root}/registry/adapters/router/events.jsonl: cannot ")
    assert left(root) == before


# Objects lost or damaged


@pytest.fixture
def emptied(whole: Path, tmp_path: Path) -> Path:
    """The registered project without caches, private folder and data, as a clone has it."""
    root = copied(whole, tmp_path / "emptied")
    for name in (".adapterctl", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(root / name)
    for path in (root / "data").glob("*.jsonl"):
        path.unlink()
    return root


def train_object(root: Path) -> str:
    return record_of(root).train.md5


def gold_object(root: Path) -> str:
    return record_of(root).evaluation["gold"].md5


def weights_object(root: Path) -> str:
    return md5_in_artifact(root, record_of(root).artifacts.md5, ".safetensors")


def lose(path: Path) -> None:
    path.unlink()


def damage(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(raw)


DAMAGES = {
    lose: "object {md5} is not in remote 'storage'",
    damage: "object {md5} in remote 'storage' has other bytes than were recorded",
}
VERIFY, REPRODUCE = ("verify", "router"), ("reproduce", "router")
PULL = ("pull", "router", "--out", "{out}")
QUICK = [
    (spoil, words, which, status)
    for spoil in DAMAGES
    for words, which, status in [
        (VERIFY, train_object, 1),
        (VERIFY, weights_object, 1),
        (PULL, weights_object, 3),
    ]
]
LONG = [
    (damage, REBUILD, train_object, 1),
    (lose, REPRODUCE, train_object, 3),
    (damage, REPRODUCE, weights_object, 3),
    (damage, REPRODUCE, train_object, 3),
    (lose, REBUILD, train_object, 1),
    (lose, REBUILD, gold_object, 1),
    (damage, REBUILD, weights_object, 1),
]


@pytest.mark.parametrize(
    ("spoil", "words", "which", "status"),
    [*QUICK, LONG[0], *(pytest.param(*case, marks=[pytest.mark.slow]) for case in LONG[1:])],
)
def test_a_lost_or_damaged_object_stops_it(
    spoil: Callable[[Path], None],
    words: tuple[str, ...],
    which: Callable[[Path], str],
    status: int,
    emptied: Path,
    tmp_path: Path,
) -> None:
    md5 = which(emptied)
    path, copy = object_path(emptied, md5), tmp_path / "copy"
    shutil.copy(path, copy)
    spoil(path)
    out = tmp_path / "pulled"
    line = [word.format(out=out) for word in words]
    done = run(emptied, *line)
    assert done.status == status, done.said
    assert DAMAGES[spoil].format(md5=md5) in done.said
    assert "hint: " in done.said
    found = left(emptied)
    assert (list(found.versions), found.events, out.exists()) == ([1], [], False)
    assert [each.name for each in tmp_path.glob(".*")] == []
    path.unlink(missing_ok=True)
    shutil.copy(copy, path)
    ran(emptied, *line)


def test_the_cache_serves_when_the_remote_is_damaged(whole: Path, tmp_path: Path) -> None:
    root = copied(whole, tmp_path)
    damage(object_path(root, train_object(root)))
    assert run(root, "pull", "router", "--out", str(tmp_path / "out")).status == 0
    assert run(root, "verify", "router").status == 1


# A base that is gone


@pytest.fixture
def orphaned(whole: Path, tmp_path: Path) -> Path:
    """The registered project after its base has been deleted."""
    root = copied(whole, tmp_path)
    gone = str(tmp_path / "deleted")
    for path in (root / "registry/bases/old-base.yaml", root / "registry/adapters/router/1.json"):
        text = path.read_text()
        place = str(record_of(whole).base.source.path)
        assert place in text
        path.write_text(text.replace(place, gone))
    return root


def test_the_recorded_predictions_serve_when_the_old_base_is_gone(
    orphaned: Path, rebuilt: Path
) -> None:
    done = run(orphaned, *REBUILD, "--format", "json")
    assert done.status == 0, done.said
    assert (
        "the old base cannot run (the weights of base 'old-base' are not here): its recorded "
        "predictions serve\n"
    ) in done.said
    [result] = answer(done)
    assert (result["verdict"], result["old_side"]) == ("PASS", "recorded")
    rerun = record_of(rebuilt, 2).rebuilt_from
    assert rerun is not None and rerun.parity.old_side == "rerun"
    assert [each["old"] for each in result["metrics"]] == [m.old for m in rerun.parity.metrics]
    # The record was edited to lose its base, so that MLflow holds another one of version 1.
    assert "the MLflow mirror is pending: " in done.said
    [journal] = left(orphaned).journals.values()
    assert journal == ["planned", "old side recorded", "trained", "judged", "filed", "candidate"]


def test_a_version_whose_base_is_gone_cannot_be_reproduced(orphaned: Path) -> None:
    done = run(orphaned, "reproduce", "router@1")
    assert done.status == 3
    assert "the weights of base 'old-base' are not here\n  hint: put them there, or " in done.said
    assert not any((orphaned / ".adapterctl" / "reproductions").glob("*/*"))


def test_a_changed_base_does_not_answer_for_the_old_side(whole: Path, tmp_path: Path) -> None:
    root = copied(whole, tmp_path)
    place = Path(str(record_of(whole).base.source.path))
    other = tmp_path / "other"
    shutil.copytree(place, other)
    damage(other / "model.safetensors")
    entry = root / "registry/bases/old-base.yaml"
    entry.write_text(entry.read_text().replace(str(place), str(other)))
    done = run(root, *REBUILD, "--format", "json")
    assert "the old base cannot run (the weights of base 'old-base' changed: fp1:" in done.said
    assert [result["old_side"] for result in answer(done)] == ["recorded"]


def answer(done: Done) -> list[dict]:
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    return json.loads(done.said[start : stop + 1])["results"]


# MLflow out of reach


def test_a_rebuild_without_mlflow_is_mirrored_later(
    serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    done = run(root, *REBUILD, environ=NOWHERE)
    assert done.status == 0
    assert "the MLflow mirror is pending: " in done.said
    assert done.said.count("adapterctl sync") == 1
    pending = left(root)
    assert (list(pending.versions), [v for v, *_ in pending.mirrored]) == ([1, 2], [1])
    # The journal is the rebuild's own: only going on with it notes the last step.
    synced = left(ran(root, "sync"))
    assert synced.without("journals") == left(rebuilt).without("journals")
    assert left(ran(root, *REBUILD, "--resume")) == left(rebuilt)


def test_sync_says_where_mlflow_does_not_answer(whole: Path, tmp_path: Path) -> None:
    done = run(copied(whole, tmp_path), "sync", environ=NOWHERE)
    assert done.status == 3
    assert "error: MLflow at http://127.0.0.1:9: " in done.said
    assert "hint: nothing is lost; run adapterctl sync when MLflow answers" in done.said
