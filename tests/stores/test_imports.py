"""Where the modules of a run come from: repository, distributions, standard library, or nowhere."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path

import click
import pytest

from adapterctl.stores.imports import Foreign, origins, unresolved
from adapterctl.stores.processes import call_entry_point, trace_entry_point

ENTRY = "registry/adapters/router/prepare.py"
DOTFILES = """\
import importlib, json, os, sys
import click
sys.path.append(os.environ["DOTFILES"])
def prepare(rows):
    tidy = importlib.import_module("tidy_text")
    if len(rows) > 1:
        from lib import extra
    return [{"text": tidy.clean(row["text"])} for row in rows]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root, elsewhere = tmp_path / "repository", tmp_path / "dotfiles"
    (root / ENTRY).parent.mkdir(parents=True)
    (root / ENTRY).write_text(DOTFILES)
    (root / "lib").mkdir()
    (root / "lib" / "extra.py").write_text("")
    elsewhere.mkdir()
    (elsewhere / "tidy_text.py").write_text("def clean(text):\n    return text.strip()\n")
    monkeypatch.setenv("DOTFILES", str(elsewhere))
    return root


def test_what_a_run_really_imports_is_seen(repository: Path, tmp_path: Path) -> None:
    rows = [{"text": " a "}, {"text": "b"}]
    traced = trace_entry_point(repository, f"{ENTRY}:prepare", rows)
    assert traced.result == [{"text": "a"}, {"text": "b"}]
    found = origins(repository, traced.modules)
    assert found.own == ("lib/extra.py", ENTRY)
    file = str(tmp_path / "dotfiles" / "tidy_text.py")
    assert found.foreign == (Foreign("tidy_text", file, "outside the repository"),)
    assert "click" in traced.modules and "json" not in traced.modules


def test_a_branch_that_was_not_taken_is_not_of_the_run(repository: Path) -> None:
    traced = trace_entry_point(repository, f"{ENTRY}:prepare", [{"text": "a"}])
    assert origins(repository, traced.modules).own == (ENTRY,)


def test_distributions_and_the_standard_library_are_accounted_for(tmp_path: Path) -> None:
    modules = {"click.core": Path(click.__file__), "json": Path(json.__file__)}
    assert origins(tmp_path, modules) == ((), ())


def test_a_virtual_environment_inside_the_repository_is_no_part_of_it() -> None:
    root = Path(sys.prefix).parent
    assert origins(root, {"click": Path(click.__file__)}) == ((), ())


def test_a_file_in_site_packages_that_no_distribution_owns_is_foreign(tmp_path: Path) -> None:
    stray = tmp_path / "site-packages" / "stray_module.py"
    found = origins(tmp_path, {"stray_module": stray}).foreign
    assert found == (Foreign("stray_module", str(stray), "of no installed distribution"),)


def test_an_import_that_nothing_answers_to_is_named_unless_it_may_be_missing(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.py").write_text(
        "import json, click, b\n"
        "try:\n    import cupy_of_theirs\nexcept ImportError:\n    pass\n"
        "def later():\n    from her_dotfiles.text import tidy\n"
    )
    (tmp_path / "b.py").write_text("")
    found = unresolved(tmp_path, ["a.py", "b.py"])
    assert found == [Foreign("her_dotfiles", "a.py:7", "not to be found here")]


def test_the_metadata_of_distributions_tells_import_names() -> None:
    assert "click" in importlib.metadata.packages_distributions()["click"]


def test_the_network_can_be_kept_away(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(
        "import socket\n"
        "def prepare(rows):\n"
        "    try:\n"
        "        socket.create_connection(('127.0.0.1', 9), timeout=1)\n"
        "    except OSError as error:\n"
        "        return [str(error)[:15]]\n"
    )
    assert call_entry_point(tmp_path, "p.py:prepare", [], offline=True) == ["no network here"]
    assert call_entry_point(tmp_path, "p.py:prepare", []) != ["no network here"]
