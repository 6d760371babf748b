from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.errors import (
    AdapterctlError,
    InvalidInput,
    Mismatch,
    MissingExtra,
    NotFound,
    Unreachable,
)
from adapterctl.records.version import ArtifactPin, DatasetPin, FilePin
from adapterctl.stores.dvc import DvcStore

pytest.importorskip("dvc")

ROWS = b'{"text": "a"}\n{"text": "b"}\n'
OTHER = b'{"text": "c"}\n'


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dvc(folder: Path, *words: str) -> int:
    """Runs DVC's own command line, in this process: starting it takes seconds."""
    from dvc.cli import main

    return int(main(["--cd", str(folder), *words]))


def put(file: Path, content: bytes = ROWS) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC repository without git, its remote beside it, and a file to pin."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "project").mkdir()
    DvcStore(folder / "project").init(Path("../storage"))
    put(folder / "project" / "data" / "train.jsonl")
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return tmp_path / "project"


@pytest.fixture
def store(project: Path) -> DvcStore:
    return DvcStore(project)


def objects(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def remote_object(project: Path, oid: str) -> Path:
    return project.parent / "storage" / "files" / "md5" / oid[:2] / oid[2:]


def cached_object(project: Path, oid: str) -> Path:
    return project / ".dvc" / "cache" / "files" / "md5" / oid[:2] / oid[2:]


def alter(file: Path, *, mode: int = 0o644) -> None:
    file.chmod(0o644)
    file.write_bytes(b"altered")
    file.chmod(mode)


def clear_cache(project: Path) -> None:
    for file in list(objects(project / ".dvc" / "cache")):
        file.chmod(0o644)
        file.unlink()


# init


def test_a_project_without_git_gets_a_remote_that_dvc_verifies(tmp_path: Path) -> None:
    DvcStore(tmp_path).init(tmp_path / "storage")
    assert (tmp_path / "storage").is_dir()
    assert (tmp_path / ".dvc" / "config").read_text() == (
        "[core]\n    no_scm = True\n    analytics = False\n    check_update = False\n"
        "    remote = storage\n"
        f"['remote \"storage\"']\n    url = {tmp_path / 'storage'}\n    verify = True\n"
    )


def test_a_remote_beside_the_project_stays_relative(project: Path) -> None:
    assert "url = ../../storage" in (project / ".dvc" / "config").read_text()


def test_in_a_git_repository_the_remote_is_staged_with_the_rest(tmp_path: Path) -> None:
    run(tmp_path, "git", "init")
    DvcStore(tmp_path).init(Path("storage"))
    assert "remote = storage" in run(tmp_path, "git", "show", ":.dvc/config")
    assert "no_scm" not in (tmp_path / ".dvc" / "config").read_text()


def test_below_a_git_repository_dvc_gets_its_own_root(tmp_path: Path) -> None:
    run(tmp_path, "git", "init")
    root = tmp_path / "ml"
    put(root / "data" / "train.jsonl")
    store = DvcStore(root)
    store.init(Path("storage"))
    assert (root / ".dvc").is_dir()
    assert store.pin("data/train.jsonl").path == "data/train.jsonl"


def test_init_leaves_the_remote_of_a_project_that_has_one(project: Path, tmp_path: Path) -> None:
    before = (project / ".dvc" / "config").read_bytes()
    DvcStore(project).init(tmp_path / "another")
    assert (project / ".dvc" / "config").read_bytes() == before


def test_a_remote_may_be_any_url_that_dvc_knows(tmp_path: Path) -> None:
    DvcStore(tmp_path).init("s3://bucket/path")
    assert "url = s3://bucket/path" in (tmp_path / ".dvc" / "config").read_text()


def test_dvc_says_nothing_of_its_own(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    DvcStore(project.parent / "project").init(Path("../storage"))
    store = DvcStore(project)
    store.push([store.pin("data/train.jsonl")])
    assert capfd.readouterr() == ("", "")


def test_a_folder_without_dvc_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        DvcStore(tmp_path).present("0" * 32)
    assert str(caught.value) == (
        f"{tmp_path}: not a DVC repository\n  hint: adapterctl init, or dvc init"
    )


def test_without_dvc_installed_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dvc", None)
    with pytest.raises(MissingExtra, match=r"pip install 'adapterctl\[dvc\]'"):
        DvcStore(tmp_path).present("0" * 32)


def test_importing_the_door_imports_no_dvc() -> None:
    code = "import adapterctl.stores.dvc, sys; print('dvc' in sys.modules, 'fsspec' in sys.modules)"
    assert run(Path.cwd(), sys.executable, "-c", code).split() == ["False", "False"]


# pin


def test_a_file_is_tracked_and_pinned_by_md5_and_sha256(project: Path, store: DvcStore) -> None:
    pin = store.pin("data/train.jsonl")
    assert pin == DatasetPin(
        path="data/train.jsonl", md5=md5(ROWS), sha256=sha256(ROWS), size=len(ROWS)
    )
    assert f"md5: {md5(ROWS)}" in (project / "data" / "train.jsonl.dvc").read_text()
    assert cached_object(project, pin.md5).read_bytes() == ROWS


def test_pinning_never_takes_the_file_away(project: Path, store: DvcStore) -> None:
    before = (project / "data/train.jsonl").stat()
    store.pin("data/train.jsonl")
    after = (project / "data/train.jsonl").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_project_that_asks_for_links_gets_them(project: Path, store: DvcStore) -> None:
    with (project / ".dvc" / "config").open("a") as config:
        config.write("[cache]\n    type = symlink\n")
    store.pin("data/train.jsonl")
    assert (project / "data/train.jsonl").is_symlink()


def test_pinning_again_changes_nothing(project: Path, store: DvcStore) -> None:
    pin = store.pin("data/train.jsonl")
    pointer = (project / "data" / "train.jsonl.dvc").read_bytes()
    assert store.pin("data/train.jsonl") == pin
    assert (project / "data" / "train.jsonl.dvc").read_bytes() == pointer


def test_a_folder_is_pinned_whole_and_by_file(project: Path, store: DvcStore) -> None:
    put(project / "data" / "set" / "b.jsonl", OTHER)
    put(project / "data" / "set" / "sub" / "a.jsonl")
    seen: list[tuple[str, int, int]] = []
    pin = store.pin("data/set", progress=lambda *step: seen.append(step))
    files = [
        FilePin(path="b.jsonl", sha256=sha256(OTHER), size=len(OTHER)),
        FilePin(path="sub/a.jsonl", sha256=sha256(ROWS), size=len(ROWS)),
    ]
    lines = sorted(f"{file.sha256}  {file.path}\n" for file in files)
    assert pin.files == files
    assert (pin.sha256, pin.size) == (sha256("".join(lines).encode()), len(ROWS) + len(OTHER))
    assert f"md5: {pin.md5}\n" in (project / "data" / "set.dvc").read_text()
    assert seen[-1] == ("hashing files", 2, 2)


def test_what_dvcignore_leaves_out_is_not_pinned(project: Path, store: DvcStore) -> None:
    put(project / "data" / "set" / "a.jsonl")
    put(project / "data" / "set" / "notes.tmp")
    (project / ".dvcignore").write_text("*.tmp\n")
    assert [file.path for file in store.pin("data/set").files] == ["a.jsonl"]


def test_one_file_of_a_tracked_folder_is_pinned_by_itself(project: Path, store: DvcStore) -> None:
    put(project / "data" / "set" / "a.jsonl", OTHER)
    put(project / "data" / "set" / "sub" / "b.jsonl")
    store.pin("data/set")
    pin = store.pin("data/set/a.jsonl")
    assert (pin.path, pin.md5, pin.sha256) == ("data/set/a.jsonl", md5(OTHER), sha256(OTHER))
    assert not (project / "data" / "set" / "a.jsonl.dvc").exists()
    with pytest.raises(InvalidInput, match="a folder inside a folder that DVC tracks whole"):
        store.pin("data/set/sub")


def test_an_altered_workspace_is_not_pinned_again_silently(project: Path, store: DvcStore) -> None:
    store.pin("data/train.jsonl")
    pointer = (project / "data" / "train.jsonl.dvc").read_bytes()
    put(project / "data" / "train.jsonl", OTHER)
    with pytest.raises(Mismatch) as caught:
        store.pin("data/train.jsonl")
    assert str(caught.value) == (
        f"data/train.jsonl: the workspace has md5 {md5(OTHER)}, DVC has pinned {md5(ROWS)}\n"
        "  hint: dvc add data/train.jsonl to pin what is there, or dvc checkout to go back"
    )
    assert (project / "data" / "train.jsonl.dvc").read_bytes() == pointer


def test_an_altered_folder_is_named_with_both_md5s(project: Path, store: DvcStore) -> None:
    put(project / "data" / "set" / "a.jsonl")
    pinned = store.pin("data/set").md5
    put(project / "data" / "set" / "more.jsonl", OTHER)
    with pytest.raises(Mismatch, match=rf"workspace has md5 \w+\.dir, DVC has pinned {pinned}"):
        store.pin("data/set")
    with pytest.raises(Mismatch, match="hint: dvc add data/set to pin"):
        store.pin("data/set/a.jsonl")


def test_the_mends_work(project: Path, store: DvcStore) -> None:
    store.pin("data/train.jsonl")
    put(project / "data" / "train.jsonl", OTHER)
    assert dvc(project, "add", "-q", "data/train.jsonl") == 0
    assert store.pin("data/train.jsonl").sha256 == sha256(OTHER)


def stage(project: Path, options: str = "") -> None:
    (project / "make.py").write_text("open('out.jsonl', 'w').write('{}\\n')\n")
    out = f"      - out.jsonl:\n          {options}\n" if options else "      - out.jsonl\n"
    text = f"stages:\n  make:\n    cmd: {sys.executable} make.py\n    outs:\n{out}"
    (project / "dvc.yaml").write_text(text)


def test_an_output_of_a_stage_is_pinned_by_its_lock(project: Path, store: DvcStore) -> None:
    stage(project)
    put(project / "out.jsonl", b"{}\n")
    with pytest.raises(InvalidInput) as caught:
        store.pin("out.jsonl")
    assert str(caught.value) == (
        "out.jsonl: output of a stage that never ran\n  hint: dvc repro make"
    )
    assert dvc(project, "repro", "-q") == 0
    assert store.pin("out.jsonl").md5 == md5(b"{}\n")
    assert not (project / "out.jsonl.dvc").exists()
    put(project / "out.jsonl", OTHER)
    with pytest.raises(Mismatch, match="hint: dvc repro make to pin what is there"):
        store.pin("out.jsonl")


def test_an_output_declared_far_away_is_found(project: Path, store: DvcStore) -> None:
    put(project / "elsewhere" / "make.py", b"open('../out.jsonl', 'w').write('{}')")
    (project / "elsewhere" / "dvc.yaml").write_text(
        f"stages:\n  make:\n    cmd: {sys.executable} make.py\n    outs:\n      - ../out.jsonl\n"
    )
    assert dvc(project, "repro", "-q", "elsewhere/dvc.yaml") == 0
    assert store.pin("out.jsonl").md5 == md5(b"{}")
    put(project / "out.jsonl", OTHER)
    with pytest.raises(Mismatch, match=r"hint: dvc repro elsewhere/dvc\.yaml:make to pin"):
        store.pin("out.jsonl")


def test_an_output_that_dvc_does_not_keep_is_refused(project: Path, store: DvcStore) -> None:
    stage(project, "cache: false")
    assert dvc(project, "repro", "-q") == 0
    with pytest.raises(InvalidInput, match=r"out\.jsonl: DVC keeps no copy of it"):
        store.pin("out.jsonl")


def test_a_hash_that_ignores_line_endings_is_refused(project: Path, store: DvcStore) -> None:
    pointer = f"outs:\n- md5: {md5(ROWS)}\n  size: {len(ROWS)}\n  path: train.jsonl\n"
    (project / "data" / "train.jsonl.dvc").write_text(pointer)
    with pytest.raises(InvalidInput) as caught:
        store.pin("data/train.jsonl")
    assert str(caught.value) == (
        "data/train.jsonl: pinned by md5-dos2unix, a hash of DVC 2 that ignores line endings\n"
        "  hint: dvc cache migrate --dvc-files"
    )


def test_what_is_not_there_cannot_be_pinned(project: Path, store: DvcStore) -> None:
    messages = {}
    store.pin("data/train.jsonl")
    (project / "data" / "train.jsonl").unlink()
    (project / "empty").mkdir()
    for path in ("data/train.jsonl", "gone.jsonl", "empty"):
        with pytest.raises(InvalidInput) as caught:
            store.pin(path)
        messages[path] = str(caught.value)
    mend = "\n  hint: correct the path, or put the data there"
    assert messages == {
        "data/train.jsonl": "data/train.jsonl: DVC tracks it, and it is not in the workspace"
        "\n  hint: dvc pull data/train.jsonl",
        "gone.jsonl": f"gone.jsonl: no such file or folder{mend}",
        "empty": f"empty: an empty folder{mend}",
    }


@pytest.mark.parametrize("path", ["../x.jsonl", "/etc/hosts", ".", "a/../../x"])
def test_a_path_outside_the_project_is_refused(store: DvcStore, path: str) -> None:
    with pytest.raises(InvalidInput, match="not a path inside the project"):
        store.pin(path)


def test_a_file_that_git_tracks_is_refused_with_the_mend(tmp_path: Path) -> None:
    run(tmp_path, "git", "init")
    put(tmp_path / "train.jsonl")
    run(tmp_path, "git", "add", "train.jsonl")
    store = DvcStore(tmp_path)
    store.init(Path("storage"))
    with pytest.raises(InvalidInput) as caught:
        store.pin("train.jsonl")
    assert str(caught.value) == (
        "train.jsonl: git tracks it, so DVC cannot\n  hint: git rm -r --cached train.jsonl"
    )


# push and presence


def test_what_is_pushed_is_present_and_only_that(project: Path, store: DvcStore) -> None:
    put(project / "data" / "set" / "a.jsonl", OTHER)
    one, two = store.pin("data/train.jsonl"), store.pin("data/set")
    assert store.missing([one.md5, two.md5]) == sorted([one.md5, two.md5])
    seen: list[tuple[str, int, int]] = []
    store.push([one], progress=lambda *step: seen.append(step))
    assert (store.present(one.md5), store.present(two.md5)) == (True, False)
    assert remote_object(project, one.md5).read_bytes() == ROWS
    assert seen[-1] == ("pushing to remote 'storage'", 1, 1)


def test_a_folder_with_one_file_missing_is_not_present(project: Path, store: DvcStore) -> None:
    put(project / "data" / "set" / "a.jsonl", OTHER)
    pin = store.pin("data/set")
    store.push([pin])
    assert store.present(pin.md5)
    remote_object(project, md5(OTHER)).unlink()
    assert store.missing([pin.md5]) == [md5(OTHER)]
    store.push([pin])
    assert store.present(pin.md5)


def test_a_cleared_cache_is_filled_from_the_workspace(project: Path, store: DvcStore) -> None:
    put(project / "data" / "set" / "a.jsonl", OTHER)
    store.pin("data/set")
    clear_cache(project)
    pin = store.pin("data/set")
    store.push([pin])
    assert store.present(pin.md5)


def test_what_is_nowhere_cannot_be_pushed(project: Path, store: DvcStore) -> None:
    pin = store.pin("data/train.jsonl")
    clear_cache(project)
    with pytest.raises(NotFound) as caught:
        store.push([pin])
    assert str(caught.value) == (
        f"object {pin.md5} is not in the cache\n"
        "  hint: dvc push it from a machine that still has it, or restore the remote from a copy"
    )


def test_a_damaged_cache_is_not_pushed(project: Path, store: DvcStore) -> None:
    pin = store.pin("data/train.jsonl")
    alter(cached_object(project, pin.md5), mode=0o444)
    with pytest.raises(Mismatch, match=f"object {pin.md5} in the cache has other bytes"):
        store.push([pin])
    assert not store.present(pin.md5)


def test_a_remote_whose_folder_is_gone_is_unreachable_not_empty(
    project: Path, store: DvcStore
) -> None:
    pin = store.pin("data/train.jsonl")
    (project.parent / "storage").rename(project.parent / "unmounted")
    with pytest.raises(Unreachable) as caught:
        store.present(pin.md5)
    assert str(caught.value) == (
        f"remote 'storage': the folder of the remote is not there: {project.parent / 'storage'}\n"
        "  hint: mount it, or correct it: dvc remote modify"
    )
    with pytest.raises(Unreachable):
        store.push([pin])
    assert not (project.parent / "storage").exists()


@pytest.mark.parametrize("place", ["cache", "remote"])
def test_a_place_that_cannot_be_written_is_a_clear_error(project: Path, place: str) -> None:
    store = DvcStore(project)
    blocked = project / ".dvc" / "cache" if place == "cache" else project.parent / "storage"
    put(blocked / "files", b"a file where a folder should be")
    with pytest.raises(AdapterctlError, match=r"files.*: cannot write: (File exists|Not a dir)"):
        store.push([store.pin("data/train.jsonl")])


def test_an_unknown_remote_is_refused_in_dvcs_words(project: Path) -> None:
    with pytest.raises(AdapterctlError, match=r"DVC: .*remote 'nowhere' doesn't exist"):
        DvcStore(project, remote="nowhere").present("0" * 32)


# fetch


def test_bytes_come_back_from_the_remote_and_the_cache_stays_as_it_is(
    project: Path, store: DvcStore, tmp_path: Path
) -> None:
    put(project / "data" / "set" / "sub" / "a.jsonl", OTHER)
    one, two = store.pin("data/train.jsonl"), store.pin("data/set")
    store.push([one, two])
    clear_cache(project)
    seen: list[tuple[str, int, int]] = []
    assert store.fetch(one, tmp_path / "into") == tmp_path / "into" / "data" / "train.jsonl"
    store.fetch(two, tmp_path / "into", progress=lambda *step: seen.append(step))
    assert (tmp_path / "into" / "data" / "train.jsonl").read_bytes() == ROWS
    assert (tmp_path / "into" / "data" / "set" / "sub" / "a.jsonl").read_bytes() == OTHER
    assert seen[-1] == ("fetching from remote 'storage'", 1, 1)
    assert list(objects(project / ".dvc" / "cache")) == []
    assert [p.name for p in (tmp_path / "into" / "data").iterdir() if p.name[0] == "."] == []


def test_a_fresh_clone_fetches_with_nothing_but_the_remote(
    project: Path, store: DvcStore, tmp_path: Path
) -> None:
    pin = store.pin("data/train.jsonl")
    store.push([pin])
    clone = tmp_path / "clone"
    put(clone / ".dvc" / "config", (project / ".dvc" / "config").read_bytes())
    assert DvcStore(clone).fetch(pin, clone).read_bytes() == ROWS


def test_the_cache_serves_when_it_may(project: Path, store: DvcStore, tmp_path: Path) -> None:
    pin = store.pin("data/train.jsonl")
    assert store.fetch(pin, tmp_path / "a", from_remote=False).read_bytes() == ROWS
    with pytest.raises(NotFound):
        store.fetch(pin, tmp_path / "b")


def test_a_damaged_cache_is_passed_over_for_the_remote(
    project: Path, store: DvcStore, tmp_path: Path
) -> None:
    put(project / "data" / "set" / "a.jsonl", OTHER)
    one, two = store.pin("data/train.jsonl"), store.pin("data/set")
    store.push([one, two])
    for file in list(objects(project / ".dvc" / "cache")):
        alter(file, mode=0o444)
    assert store.fetch(one, tmp_path / "a", from_remote=False).read_bytes() == ROWS
    assert (store.fetch(two, tmp_path / "a", from_remote=False) / "a.jsonl").read_bytes() == OTHER


def test_a_missing_object_is_named(project: Path, store: DvcStore, tmp_path: Path) -> None:
    pin = store.pin("data/train.jsonl")
    store.push([pin])
    remote_object(project, pin.md5).unlink()
    with pytest.raises(NotFound) as caught:
        store.fetch(pin, tmp_path / "into")
    assert str(caught.value) == (
        f"data/train.jsonl: object {pin.md5} is not in remote 'storage'\n"
        "  hint: dvc push it from a machine that still has it, or restore the remote from a copy"
    )
    assert list(objects(tmp_path / "into")) == []


@pytest.mark.parametrize("mode", [0o644, 0o444])
def test_an_altered_object_is_found_and_left_where_it_is(
    project: Path, store: DvcStore, tmp_path: Path, mode: int
) -> None:
    pin = store.pin("data/train.jsonl")
    store.push([pin])
    alter(remote_object(project, pin.md5), mode=mode)
    assert store.present(pin.md5)
    with pytest.raises(Mismatch) as caught:
        store.fetch(pin, tmp_path / "into")
    assert str(caught.value) == (
        f"data/train.jsonl: object {pin.md5} in remote 'storage' has other bytes than were "
        f"recorded\n  hint: {remote_object(project, pin.md5)}: restore it from a copy"
    )
    assert list(objects(tmp_path / "into")) == []
    assert remote_object(project, pin.md5).read_bytes() == b"altered"


@pytest.mark.parametrize("mode", [0o644, 0o444])
@pytest.mark.parametrize("part", ["file", "listing"])
def test_an_altered_folder_is_found(
    project: Path, store: DvcStore, tmp_path: Path, mode: int, part: str
) -> None:
    put(project / "data" / "set" / "a.jsonl", OTHER)
    pin = store.pin("data/set")
    store.push([pin])
    bad = pin.md5 if part == "listing" else md5(OTHER)
    alter(remote_object(project, bad), mode=mode)
    with pytest.raises(Mismatch, match=f"object {bad} in remote 'storage' has other bytes"):
        store.fetch(pin, tmp_path / "into")
    assert list(objects(tmp_path / "into")) == []


def test_bytes_that_are_md5s_but_not_the_records_are_refused(
    project: Path, store: DvcStore, tmp_path: Path
) -> None:
    pin = store.pin("data/train.jsonl")
    store.push([pin])
    forged = DatasetPin(path=pin.path, md5=pin.md5, sha256=sha256(OTHER), size=pin.size)
    with pytest.raises(Mismatch, match="has other bytes than were recorded"):
        store.fetch(forged, tmp_path / "into")


def test_a_pin_cannot_lead_out_of_the_folder(store: DvcStore, tmp_path: Path) -> None:
    pin = store.pin("data/train.jsonl")
    for path in ("../evil", "/evil"):
        forged = DatasetPin(path=path, md5=pin.md5, sha256=pin.sha256, size=pin.size)
        with pytest.raises(InvalidInput, match=f"leads out of its folder: {path}"):
            store.fetch(forged, tmp_path / "into", from_remote=False)


def test_a_file_that_is_there_is_replaced_and_a_folder_is_not(
    project: Path, store: DvcStore, tmp_path: Path
) -> None:
    put(project / "data" / "set" / "a.jsonl", OTHER)
    one, two = store.pin("data/train.jsonl"), store.pin("data/set")
    store.push([one, two])
    put(tmp_path / "into" / "data" / "train.jsonl", b"old")
    put(tmp_path / "into" / "data" / "set" / "old", b"old")
    assert store.fetch(one, tmp_path / "into").read_bytes() == ROWS
    with pytest.raises(InvalidInput, match=r"data/set: not empty"):
        store.fetch(two, tmp_path / "into")
    assert (tmp_path / "into" / "data" / "set" / "old").read_bytes() == b"old"


def test_dvcs_own_pull_lets_no_altered_object_through_once_init_has_set_verify(
    project: Path, store: DvcStore
) -> None:
    pin = store.pin("data/train.jsonl")
    store.push([pin])
    alter(remote_object(project, pin.md5), mode=0o444)
    clear_cache(project)
    (project / "data" / "train.jsonl").unlink()
    assert dvc(project, "pull", "-q") != 0
    assert not (project / "data" / "train.jsonl").exists()


# artifacts


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    put(tmp_path / "artifact" / "adapter" / "adapter_model.safetensors", b"weights")
    put(tmp_path / "artifact" / "adapter" / "adapter_config.json", b"{}")
    put(tmp_path / "artifact" / "adapter-notes.md", b"notes")
    put(tmp_path / "artifact" / "predictions" / "gold.jsonl")
    return tmp_path / "artifact"


def workspace(project: Path) -> list[str]:
    files = (file.relative_to(project).as_posix() for file in objects(project))
    return sorted(name for name in files if not name.startswith((".dvc/cache", ".dvc/tmp")))


def test_an_artifact_goes_to_the_cache_and_leaves_the_workspace_alone(
    project: Path, store: DvcStore, artifact: Path
) -> None:
    before = workspace(project)
    pin = store.add_folder(artifact)
    assert [file.path for file in pin.files] == [
        "adapter-notes.md",
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "predictions/gold.jsonl",
    ]
    assert pin.size == sum(file.size for file in pin.files) == 14 + len(ROWS)
    assert workspace(project) == before
    assert store.add_folder(artifact) == pin


def test_dvc_gives_the_folder_the_same_md5(project: Path, store: DvcStore, artifact: Path) -> None:
    pin = store.add_folder(artifact)
    artifact.rename(project / "artifact")
    assert dvc(project, "add", "-q", "artifact") == 0
    assert f"md5: {pin.md5}\n" in (project / "artifact.dvc").read_text()


def test_an_artifact_comes_back_whole_or_in_part(
    project: Path, store: DvcStore, artifact: Path, tmp_path: Path
) -> None:
    pin = store.add_folder(artifact)
    store.push([pin])
    clear_cache(project)
    (tmp_path / "out").mkdir()
    whole = store.fetch_folder(pin, tmp_path / "out")
    assert store.add_folder(whole) == pin
    part = store.fetch_folder(pin, tmp_path / "part", only="adapter")
    names = sorted(file.relative_to(part).as_posix() for file in objects(part))
    assert names == ["adapter/adapter_config.json", "adapter/adapter_model.safetensors"]
    with pytest.raises(NotFound, match="nothing in the artifact matches 'adapt'"):
        store.fetch_folder(pin, tmp_path / "none", only="adapt")


def test_an_artifact_arrives_whole_or_not_at_all(
    project: Path, store: DvcStore, artifact: Path, tmp_path: Path
) -> None:
    pin = store.add_folder(artifact)
    store.push([pin])
    alter(remote_object(project, md5(b"weights")), mode=0o444)
    with pytest.raises(Mismatch) as caught:
        store.fetch_folder(pin, tmp_path / "out")
    assert caught.value.problems[0].place == "adapter/adapter_model.safetensors"
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    part = store.fetch_folder(pin, tmp_path / "out", only="predictions")
    assert (part / "predictions" / "gold.jsonl").read_bytes() == ROWS


def test_an_artifact_does_not_overwrite(store: DvcStore, artifact: Path, tmp_path: Path) -> None:
    pin = store.add_folder(artifact)
    put(tmp_path / "out" / "mine", b"mine")
    with pytest.raises(InvalidInput) as caught:
        store.fetch_folder(pin, tmp_path / "out", from_remote=False)
    assert str(caught.value) == f"{tmp_path / 'out'}: not empty\n  hint: name a new folder"


def test_an_empty_artifact_is_refused(store: DvcStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="holds no files"):
        store.add_folder(tmp_path / "empty")
    with pytest.raises(InvalidInput, match="no such folder"):
        store.add_folder(tmp_path / "gone")


def test_a_record_cannot_lead_out_of_the_folder(
    store: DvcStore, artifact: Path, tmp_path: Path
) -> None:
    pin = store.add_folder(artifact)
    forged = FilePin(path="../evil", sha256="0" * 64, size=1)
    listing = cached_listing = store.root / ".dvc/cache/files/md5" / pin.md5[:2] / pin.md5[2:]
    text = listing.read_text().replace('"adapter-notes.md"', '"../evil"')
    oid = f"{md5(text.encode())}.dir"
    put(cached_listing.parent.parent / oid[:2] / oid[2:], text.encode())
    with pytest.raises(InvalidInput, match=r"leads out of its folder: \.\./evil"):
        store.fetch_folder(
            ArtifactPin(md5=oid, size=1, files=[forged]), tmp_path / "o", from_remote=False
        )


def test_a_record_that_names_more_than_the_object_is_refused(
    store: DvcStore, artifact: Path, tmp_path: Path
) -> None:
    pin = store.add_folder(artifact)
    more = FilePin(path="more", sha256="0" * 64, size=1)
    with pytest.raises(Mismatch, match="the folder object does not list more, the record does"):
        store.fetch_folder(
            ArtifactPin(md5=pin.md5, size=1, files=[*pin.files, more]),
            tmp_path / "out",
            from_remote=False,
        )


def test_a_pointer_lets_dvc_pull_an_artifact_and_keeps_it_from_gc(
    project: Path, store: DvcStore, artifact: Path
) -> None:
    pin = store.add_folder(artifact)
    put(artifact / "stray", b"stray")
    stray = store.add_folder(artifact)
    store.push([pin, stray])
    pointer = project / "registry" / "adapters" / "a" / "1.dvc"
    store.write_pointer(pointer, pin, out_name="1")
    written = pointer.read_bytes()
    clear_cache(project)

    assert dvc(project, "pull", "-q") == 0
    assert dvc(project, "gc", "-q", "-f", "--workspace", "--cloud") == 0

    assert store.add_folder(pointer.with_suffix("")) == pin
    assert pointer.read_bytes() == written
    assert store.present(pin.md5)
    assert not store.present(stray.md5)


def test_a_pointer_is_what_dvc_itself_would_write(
    project: Path, store: DvcStore, artifact: Path
) -> None:
    pin = store.add_folder(artifact)
    store.write_pointer(project / "ours.dvc", pin, out_name="artifact")
    artifact.rename(project / "artifact")
    (project / "ours.dvc").rename(project / "ours.txt")
    assert dvc(project, "add", "-q", "artifact") == 0
    assert (project / "artifact.dvc").read_bytes() == (project / "ours.txt").read_bytes()


# two at once

HOLD = """
import sys, time, zc.lockfile
lock = zc.lockfile.LockFile(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def hold_lock(project: Path, seconds: float) -> subprocess.Popen[str]:
    file = project / ".dvc" / "tmp" / "lock"
    words = [sys.executable, "-c", HOLD, str(file), str(seconds)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_that_is_let_go_is_waited_for(project: Path, store: DvcStore) -> None:
    with hold_lock(project, 4.0):
        begun = time.monotonic()
        assert store.pin("data/train.jsonl").md5 == md5(ROWS)
        assert time.monotonic() - begun > 2


def test_a_lock_that_stays_is_a_clear_error(project: Path) -> None:
    with hold_lock(project, 60.0) as process:
        with pytest.raises(AdapterctlError) as caught:
            DvcStore(project, lock_attempts=1).pin("data/train.jsonl")
        process.terminate()
    assert str(caught.value) == (
        f"{project / '.dvc' / 'tmp' / 'lock'}: another DVC process holds the lock\n"
        "  hint: wait until it is done; if none runs, remove the file"
    )
    assert not (project / "data" / "train.jsonl.dvc").exists()


PIN_AND_PUSH = """
import sys
from pathlib import Path
from adapterctl.stores.dvc import DvcStore
store = DvcStore(Path(sys.argv[1]))
store.push([store.pin(sys.argv[2])])
"""


def test_two_processes_pin_and_push_side_by_side(project: Path, store: DvcStore) -> None:
    names = [f"data/{n}.jsonl" for n in range(2)]
    for n, name in enumerate(names):
        put(project / name, f'{{"n": {n}}}\n'.encode())
    words = [sys.executable, "-c", PIN_AND_PUSH, str(project)]
    processes = [subprocess.Popen([*words, name]) for name in names]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert store.missing(store.pin(name).md5 for name in names) == []
