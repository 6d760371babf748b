"""A recipe whose code lies in another repository, at one commit."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from adapterctl.records.reading import read_json
from adapterctl.records.version import VersionRecord
from support.projects import PREPARE, TEXTS, command, commit, copied, edit, git, make_project

GONE = "0" * 39 + "a"


def head(root: Path) -> str:
    words = ["git", "-C", str(root), "rev-parse", "HEAD"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A project with a recipe alone; its preprocessing is a commit of the repository beside it."""
    root = make_project(tmp_path_factory.mktemp("elsewhere"))
    code = root.parent / "code"
    (code / "support").mkdir(parents=True)
    (code / "support" / "prepare.py").write_text(
        PREPARE.replace("registry.adapters.router", "support")
    )
    (code / "support" / "texts.py").write_text(TEXTS)
    git(root.parent, "init", "-q", str(code))
    git(code, "add", ".")
    git(code, "commit", "-qm", "Preprocessing")
    home = root / "registry" / "adapters" / "router"
    for name in ("prepare.py", "texts.py"):
        (home / name).unlink()
    edit(home / "recipe.yaml", "registry/adapters/router/prepare.py", "support/prepare.py")
    with (home / "recipe.yaml").open("a") as file:
        file.write(f"code: {{repo: {code}, commit: {head(code)}}}\n")
    commit(root)
    return root


@pytest.fixture
def project(made, tmp_path) -> Path:
    return copied(made, tmp_path)


def recipe(root: Path) -> Path:
    return root / "registry" / "adapters" / "router" / "recipe.yaml"


def test_code_of_another_repository_is_pinned_and_rebuilt_without_it(made, project, capsys):
    code = made.parent / "code"
    pinned = head(code)
    (code / "support" / "texts.py").write_text("def tidy(text):\n    return 'moved on'\n")
    git(code, "commit", "-qam", "Later")
    assert command(project, "register", str(recipe(project))) == 0
    path = recipe(project).with_name("1.json")
    record = read_json(path.read_bytes(), VersionRecord, file=str(path))
    assert record.code.commit == pinned
    assert record.code.repo == str(code)
    assert record.code.committed
    assert [pin.path for pin in record.code.files] == ["support/prepare.py", "support/texts.py"]
    assert "support/prepare.py" not in (project / "dvc.yaml").read_text()
    hidden = code.rename(code.with_name("gone"))
    shutil.rmtree(project / ".adapterctl" / "cache")
    try:
        assert command(project, "reproduce", "router") == 0
        assert command(project, "verify", "router") == 0
        assert command(project, "rebuild", "router", "--to", "new-base") == 0
    finally:
        hidden.rename(code)
    rebuilt = path.with_name("2.json")
    moved = read_json(rebuilt.read_bytes(), VersionRecord, file=str(rebuilt))
    assert moved.recipe.code == record.recipe.code
    assert moved.code.digest == record.code.digest


def test_a_commit_that_is_not_there_is_named(project, capsys):
    pinned = re.search("commit: ([0-9a-f]{40})", recipe(project).read_text())
    edit(recipe(project), pinned.group(1), GONE)
    commit(project)
    assert command(project, "register", str(recipe(project)), "--check") == 3
    said = capsys.readouterr().err
    assert f"has no commit {GONE}" in said
    assert "push it there" in said


def test_a_repository_that_is_not_there_is_named(project, made, capsys):
    edit(recipe(project), f"{made.parent / 'code'},", "https://me:secret@localhost:9/none.git,")
    commit(project)
    assert command(project, "register", str(recipe(project)), "--check") == 3
    said = capsys.readouterr().err
    assert "cannot be cloned" in said
    assert "secret" not in said
