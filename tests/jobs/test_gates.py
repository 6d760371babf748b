"""An orphan in the making: every gap is named before anything is trained, and can be closed."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from support.commands import Commands, Said
from support.projects import commit, copied, edit, git, rows, write_jsonl
from support.s3 import LoopbackS3, keep_in, loopback_s3

ROUTER = "registry/adapters/router/recipe.yaml"
PREPARE = "registry/adapters/router/prepare.py"
TODAY = ("--as-of", "2026-11-23")
SOURCE = ("--source", "https://example.org/end")
PEOPLE = "teams: {support-ml: {members: [{name: Ana, until: 2026-10-31}]}}\n"
DOTFILES = """\
import os, sys
sys.path.insert(0, os.path.expanduser("~/dotfiles"))
from ana_text import tidy
from registry.adapters.router.prepare_rows import choose


def prepare(rows):
    return [{"text": tidy(row["message"]), "label": row["queue"]} for row in rows]
"""


@pytest.fixture
def root(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that could be registered, and a git remote that its code was pushed to."""
    home = tmp_path / "home"
    (home / "dotfiles").mkdir(parents=True)
    (home / "dotfiles" / "ana_text.py").write_text("def tidy(text):\n    return text.lower()\n")
    monkeypatch.setenv("HOME", str(home))
    place = copied(template, tmp_path / "place")
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "code.git")], check=True)
    git(place, "remote", "add", "origin", str(tmp_path / "code.git"))
    commit(place)
    return place


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(root, capsys)


def check(run: Commands) -> Said:
    return run("register", ROUTER, "--check", *TODAY, "--format", "json")


def refused(run: Commands) -> list[str]:
    """Returns the codes that refuse the registration; exit status and answer must agree."""
    said = check(run)
    codes = [each["code"] for each in said.json["results"] if each["refuses"]]
    assert said.status == int(bool(codes)), said.err
    return codes


def warned(run: Commands) -> list[str]:
    return [each["code"] for each in check(run).json["results"] if not each["refuses"]]


def test_what_can_be_rebuilt_passes_with_a_word_about_what_is_not_known(run: Commands) -> None:
    assert refused(run) == []
    assert warned(run) == ["EOL004"]


def test_the_causes_of_an_orphan_are_named_at_once_and_closed_one_by_one(
    root: Path, run: Commands
) -> None:
    with loopback_s3() as s3:
        s3.bucket("team-storage")
        s3.retain("team-storage", {"Filter": {"Prefix": "dvc/"}, "Expiration": {"Days": 365}})
        keep_in(root, "s3://team-storage/dvc", s3)
        _close_one_by_one(root, run, s3)


def _close_one_by_one(root: Path, run: Commands, s3: LoopbackS3) -> None:
    pool = rows(2_000, seed=11)
    write_jsonl(root / "data" / "pool.jsonl", pool)
    write_jsonl(root / "data" / "train.jsonl", random.Random(3).sample(pool, 847))
    edit(root / ROUTER, "    selection:", "    keep_until: 2028-12-31\n    selection:")
    edit(root / ROUTER, "{team: support-ml, backup: platform-ml}", "{team: support-ml}")
    (root / "registry" / "people.yaml").write_text(PEOPLE)
    edit(root / ROUTER, ', rule: "registry/adapters/router/prepare.py:choose"', "")
    (root / PREPARE).rename((root / PREPARE).with_name("prepare_rows.py"))
    (root / PREPARE).write_text(DOTFILES)
    notebook = (root / PREPARE).with_suffix(".ipynb")
    cell = {"cell_type": "code", "source": ["%pip install x\n", DOTFILES]}
    notebook.write_text(json.dumps({"cells": [cell], "nbformat": 4}))
    edit(root / ROUTER, "preprocessing: registry/adapters/router/prepare.py", (
        "preprocessing: registry/adapters/router/prepare.ipynb"
    ))  # fmt: skip
    lifecycle = ("lifecycle", "add", "old-base", "--phase", "weights", "--shutdown", "2027-01-05")
    assert run(*lifecycle, *SOURCE, *TODAY).status == 0
    others = ["DATA003", "DATA004", "EOL002", "OWN002"]
    assert refused(run) == ["CODE001", "CODE003", "CODE004", *others]
    assert "OWN001" in warned(run)

    edit(root / ROUTER, "prepare.ipynb", "prepare.py")
    assert refused(run) == ["CODE001", "CODE003", *others]
    edit(root / PREPARE, "from ana_text import tidy", "tidy = str.lower")
    edit(root / PREPARE, 'sys.path.insert(0, os.path.expanduser("~/dotfiles"))', "")
    assert refused(run) == ["CODE003", "DATA003", "DATA004", "EOL002", "OWN002"]
    s3.retain("team-storage", {"Filter": {"Prefix": "dvc/"}, "Expiration": {"Days": 3650}})
    assert refused(run) == ["CODE003", "DATA004", "EOL002", "OWN002"]
    edit(root / ROUTER, "{pool: data/pool.jsonl", "{pool: data/pool.jsonl, reason: all were read")
    assert refused(run) == ["CODE003", "EOL002", "OWN002"]
    edit(root / ROUTER, "{team: support-ml}", "{team: search-ml, backup: platform-ml}")
    assert refused(run) == ["CODE003", "EOL002"]
    commit(root)
    assert refused(run) == ["EOL002"]
    edit(root / ROUTER, "base: old-base", "base: new-base")
    commit(root)
    assert refused(run) == []


def test_a_notebook_as_entry_point_is_refused(root: Path, run: Commands) -> None:
    notebook = (root / PREPARE).with_suffix(".ipynb")
    notebook.write_text(json.dumps({"cells": [], "nbformat": 4}))
    edit(root / ROUTER, "preprocessing: registry/adapters/router/prepare.py:prepare", (
        "preprocessing: registry/adapters/router/prepare.ipynb:prepare"
    ))  # fmt: skip
    commit(root)
    assert refused(run) == ["CODE004"]


def test_code_that_is_committed_and_not_pushed_is_on_one_machine_only(
    root: Path, run: Commands
) -> None:
    edit(root / PREPARE, '"""Lower-cases', '"""Lowers')
    git(root, "commit", "-qam", "not pushed")
    assert refused(run) == ["CODE003"]
    assert "on this machine only" in check(run).out
    git(root, "push", "-q", "origin", "HEAD")
    assert refused(run) == []


def test_without_any_git_remote_it_is_a_warning(root: Path, run: Commands) -> None:
    git(root, "remote", "remove", "origin")
    assert (refused(run), warned(run)) == ([], ["CODE003", "EOL004"])


HOME = """\
    import os
    assert os.listdir(os.path.expanduser("~"))
"""
VARIABLE = """\
    import os
    rows = rows[: 5 if "HOME_OF_ANA" in os.environ else 9]
"""
NETWORK = """\
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.connect(("127.0.0.1", 9))
"""
MACHINE_BOUND = {
    "its home directory": (HOME, "in a clean process, it fails"),
    "a variable": (VARIABLE, "9 rows of data/train.jsonl instead of 5"),
    "the network": (NETWORK, "no network here"),
}


@pytest.mark.parametrize("what", MACHINE_BOUND)
def test_preprocessing_that_depends_on_the_machine_is_refused(
    what: str, root: Path, run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME_OF_ANA", "1")
    body, said = MACHINE_BOUND[what]
    edit(root / PREPARE, "def prepare(rows):\n", f"def prepare(rows):\n{body}")
    commit(root)
    assert refused(run) == ["CODE002"]
    assert said in check(run).out


def test_the_first_row_that_a_clean_run_gives_otherwise_is_shown(
    root: Path, run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREETING", "dear customer")
    edit(
        root / PREPARE,
        "    return [{",
        "    import os\n"
        "    rows[3]['message'] = os.environ.get('GREETING', 'hello')\n"
        "    return [{",
    )
    commit(root)
    (finding,) = [each for each in check(run).json["results"] if each["code"] == "CODE002"]
    assert "row 3 of data/train.jsonl" in finding["message"]
    assert "dear customer" in finding["message"] and "hello" in finding["message"]


def test_a_word_list_beside_the_code_is_part_of_it(root: Path, run: Commands) -> None:
    (root / PREPARE).with_name("words.txt").write_text("thanks\n")
    edit(
        root / PREPARE,
        "def prepare(rows):\n",
        "def prepare(rows):\n"
        "    import pathlib\n"
        "    assert pathlib.Path(__file__).with_name('words.txt').read_text() == 'thanks\\n'\n",
    )
    assert refused(run) == ["CODE003"]
    assert "words.txt" in check(run).out
    commit(root)
    assert refused(run) == []


def test_rows_in_both_training_and_evaluation_are_a_warning(root: Path, run: Commands) -> None:
    line = (root / "data" / "train.jsonl").read_text().splitlines()[0]
    with (root / "data" / "gold.jsonl").open("a") as gold:
        gold.write(line + "\n")
    assert (refused(run), warned(run)) == ([], ["DATA006", "EOL004"])
    assert "rows 60" in check(run).out


def test_a_rule_that_gives_other_rows_is_refused(root: Path, run: Commands) -> None:
    edit(root / PREPARE, 'row["checked"]', "True")
    commit(root)
    assert refused(run) == ["DATA005"]


def test_project_policy_turns_a_gate_either_way(root: Path, run: Commands) -> None:
    edit(root / "params.yaml", "adapters: []", "adapters: []\ngates: {EOL004: refuse}")
    assert refused(run) == ["EOL004"]
    edit(root / "params.yaml", "{EOL004: refuse}", "{CODE003: warn}")
    edit(root / PREPARE, '"""Lower-cases', '"""Lowers')
    assert (refused(run), warned(run)) == ([], ["CODE003", "EOL004"])


def test_a_gap_can_be_accepted_until_a_day(root: Path, run: Commands) -> None:
    edit(root / PREPARE, '"""Lower-cases', '"""Lowers')
    accept = ("--accept", "CODE003", "--reason", "review takes a week", "--until", "2026-12-01")
    assert run("register", ROUTER, "--check", *accept, *TODAY).status == 0
    assert "review takes a week" in (root / "registry" / "waivers.yaml").read_text()
    assert refused(run) == []
    later = run("register", ROUTER, "--check", "--as-of", "2026-12-02")
    assert later.status == 1
    assert "its waiver ended on 2026-12-01" in later.out


def test_accepting_needs_a_reason_and_a_day(root: Path, run: Commands) -> None:
    before = (root / "registry" / "waivers.yaml").read_text()
    assert run("register", ROUTER, "--check", "--accept", "CODE003").status == 2
    wrong = ("--accept", "CODE999", "--reason", "because", "--until", "2026-12-01")
    assert run("register", ROUTER, "--check", *wrong, *TODAY).status == 3
    assert (root / "registry" / "waivers.yaml").read_text() == before


def test_a_refused_registration_writes_nothing(root: Path, run: Commands) -> None:
    edit(root / PREPARE, 'row["checked"]', "True")
    git(root, "add", "-A")
    before = sorted(path for path in root.rglob("*") if ".git" not in path.parts)
    said = run("register", ROUTER, *TODAY)
    assert said.status == 1
    assert "router is not registered: 2 of its gaps would make it an orphan" in said.out
    assert "REFUSED  DATA005" in said.out and "--accept CODE003 --accept DATA005" in said.out
    after = sorted(path for path in root.rglob("*") if ".git" not in path.parts)
    assert [path for path in after if path not in before and "__pycache__" not in str(path)] == []


def test_a_recipe_outside_the_registry_is_told_where_to_go(root: Path, run: Commands) -> None:
    draft = (root / ROUTER).rename(root / "draft.yaml")
    said = run("register", str(draft), "--check", *TODAY)
    assert said.status == 1
    assert "CODE003  the recipe is not in the registry" in said.out
    assert f"mend: copy it to {ROUTER}, git add {ROUTER}, then git commit" in said.out
    accepted = ("--accept", "CODE003", "--reason", "later", "--until", "2026-12-01")
    said = run("register", str(draft), *accepted, *TODAY)
    assert said.status == 3
    assert f"hint: copy it to {ROUTER} first" in said.err
