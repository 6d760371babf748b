from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError, Unreachable
from adapterctl.stores.git import GitFacts, facts, is_repository, user


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init")
    (root / "a.py").write_text("a = 1\n")
    (root / "sub").mkdir()
    (root / "sub" / "b é.py").write_text("b = 1\n")
    (root / ".gitignore").write_text("ignored.py\n")
    git(root, "add", ".")
    git(root, "commit", "-m", "first")
    return root


def test_outside_a_repository_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert facts(tmp_path, ["a.py"]) == GitFacts()
    assert not is_repository(tmp_path)


def test_an_ignored_folder_is_in_no_repository(repository: Path) -> None:
    (repository / ".gitignore").write_text("/scratch/\n")
    inside = repository / "scratch" / "project"
    inside.mkdir(parents=True)
    assert not is_repository(inside)
    assert is_repository(repository / "sub")


def test_before_the_first_commit_everything_is_dirty(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "a.py").write_text("")
    found = facts(tmp_path, ["a.py"])
    assert (found.commit, found.refs, found.ref, found.dirty) == (None, (), None, ("a.py",))
    assert is_repository(tmp_path)


def test_a_clean_tree_has_a_commit_a_ref_and_nothing_dirty(repository: Path) -> None:
    found = facts(repository, ["a.py", "sub/b é.py"])
    assert found.commit == git(repository, "rev-parse", "HEAD")
    assert (found.refs, found.ref, found.remote, found.dirty) == (("main",), "main", None, ())
    assert (found.user_name, found.user_email) == ("Test", "test@example.invalid")
    assert user(repository) == "Test"


def test_every_way_of_not_being_committed_is_dirty(repository: Path) -> None:
    (repository / "sub" / "b é.py").write_text("b = 2\n")
    for name in ("untracked.py", "ignored.py", "staged.py", "c[a].py"):
        (repository / name).write_text("x\n")
    git(repository, "add", "staged.py")
    asked = ["a.py", "sub/b é.py", "untracked.py", "ignored.py", "staged.py", "gone.py", "c[a].py"]
    assert facts(repository, asked).dirty == tuple(sorted(asked[1:]))


def test_a_staged_change_and_a_deleted_file_are_dirty(repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    git(repository, "add", "a.py")
    (repository / "sub" / "b é.py").unlink()
    assert facts(repository, ["a.py", "sub/b é.py"]).dirty == ("a.py", "sub/b é.py")


def test_other_changes_in_the_tree_do_not_count(repository: Path) -> None:
    (repository / "sub" / "b é.py").write_text("b = 2\n")
    assert facts(repository, ["a.py"]).dirty == ()


def test_paths_are_relative_to_the_folder_asked_about(repository: Path) -> None:
    assert facts(repository / "sub", ["b é.py"]).dirty == ()
    (repository / "sub" / "b é.py").write_text("b = 2\n")
    assert facts(repository / "sub", ["b é.py", "../a.py"]).dirty == ("b é.py",)


def test_a_path_outside_the_repository_is_dirty(repository: Path) -> None:
    (repository.parent / "outside.py").write_text("")
    assert "../outside.py" in facts(repository, ["../outside.py"]).dirty


def test_remote_branches_come_before_tags_and_local_branches(repository: Path) -> None:
    clone = repository.parent / "clone"
    git(repository.parent, "clone", str(repository), str(clone))
    git(clone, "tag", "v1")
    git(clone, "branch", "other")
    found = facts(clone)
    assert found.refs == ("origin/main", "v1", "main", "other")
    (clone / "a.py").write_text("a = 2\n")
    git(clone, "commit", "-am", "second")
    assert facts(clone).refs == ("main",)


def test_a_detached_commit_that_nothing_reaches_has_no_ref(repository: Path) -> None:
    git(repository, "checkout", "--detach")
    (repository / "a.py").write_text("a = 2\n")
    git(repository, "commit", "-am", "lost")
    found = facts(repository)
    assert found.commit == git(repository, "rev-parse", "HEAD")
    assert found.ref is None


def test_the_remote_is_named_without_its_credentials(repository: Path) -> None:
    git(repository, "remote", "add", "backup", "ssh://git@backup.example/x")
    assert facts(repository).remote == "ssh://git@backup.example/x"
    git(repository, "remote", "add", "origin", "https://me:s3cret@example.com/team/x.git")
    assert facts(repository).remote == "https://example.com/team/x.git"


def test_a_variable_of_a_git_hook_does_not_lead_to_another_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    assert not is_repository(tmp_path)


def fake_git(folder: Path, script: str) -> str:
    program = folder / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


def test_a_git_that_does_not_answer_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", fake_git(tmp_path, "exec sleep 30"))
    with pytest.raises(Unreachable) as caught:
        facts(tmp_path, timeout=0.2)
    assert str(caught.value) == f"{tmp_path}: git rev-parse did not answer within 0.2 s"


def test_a_repository_of_another_user_is_not_mistaken_for_none(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        f"echo \"fatal: detected dubious ownership in repository at '{repository}'\" >&2; exit 128"
    )
    monkeypatch.setenv("PATH", fake_git(tmp_path, script))
    with pytest.raises(AdapterctlError) as caught:
        facts(repository)
    assert str(caught.value) == (
        f"{repository}: git refuses to read a repository of another user\n"
        f"  hint: git config --global --add safe.directory {repository}"
    )


def test_git_words_a_foreign_repository_as_we_expect(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(AdapterctlError, match="git refuses to read a repository of another user"):
        facts(repository)


def test_without_git_only_a_repository_is_an_error(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    (tmp_path / "plain").mkdir()
    assert facts(tmp_path / "plain").commit is None
    with pytest.raises(AdapterctlError) as caught:
        facts(repository)
    assert str(caught.value) == (
        f"{repository}: a git repository, and the program git is not there\n"
        "  hint: install git, or put it on PATH"
    )
