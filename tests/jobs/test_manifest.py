"""A whole team's adapters at once, with what a table knows of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.cli import run
from adapterctl.records.base import BaseSource
from support.adapter_folders import adapter_folder, some_weights
from support.commands import Commands
from support.projects import copied
from support.registries import SmallRegistry, a_recipe, as_written

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEADER = "path,name,team,base,data,recipe\n"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("empty") / "project"
    assert run(["init", str(root)]) == 0
    return root


@pytest.fixture
def made(empty: Path, tmp_path: Path) -> SmallRegistry:
    return SmallRegistry(copied(empty, tmp_path))


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A folder with two adapters, to put a manifest into."""
    folder = tmp_path / "team"
    adapter_folder(folder / "runs" / "a", weights=some_weights(1))
    adapter_folder(folder / "runs" / "b", weights=some_weights(2))
    return folder


@pytest.fixture
def command(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


def manifest(team: Path, *rows: str) -> str:
    path = team / "all.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return str(path)


def results(command: Commands, path: str) -> list[dict]:
    return command("import", "--manifest", path, "--format", "json").json["results"]


def test_a_manifest_names_owners_bases_and_data(command, made, team):
    made.base("base-7b", source=BaseSource(hub="acme/other"))
    (made.root / "data").mkdir()
    (made.root / "data" / "train.jsonl").write_text('{"text": "hello"}\n')
    rows = (
        "runs/a,router,support-ml,base-7b,data/train.jsonl,",
        f"runs/b,,,acme/renamed@{COMMIT},data/train.jsonl,",
    )
    first, second = results(command, manifest(team, *rows))
    assert (first["adapter"], first["base"], first["error"]) == ("router", "base-7b", None)
    assert first["gaps"] == ["CODE001", "ENV001", "BASE001", "OWN001"]
    assert (second["adapter"], second["base"]) == ("b", "acme/renamed")
    assert second["gaps"] == ["CODE001", "ENV001", "BASE002", "OWN001"]
    record = made.door.any_record("router", 1)
    assert record.owners.team == "support-ml"
    assert record.config["base_model_name_or_path"] == "acme/base-7b"
    assert made.project().dvc.present(record.train.md5)
    (listed,) = command("list", "--base", "base-7b", "--format", "json").json["results"]
    assert listed["owners"] == ["support-ml"]
    assert "data/train.jsonl" in command("show", "router").out


def test_the_pointer_of_the_data_is_named_for_git(command, made, team):
    (made.root / "train.jsonl").write_text('{"text": "hello"}\n')
    said = command("import", "--manifest", manifest(team, "runs/a,router,,,train.jsonl,"))
    assert "git add registry/adapters/router train.jsonl.dvc .gitignore" in said.out


def test_a_manifest_twice_adds_nothing_and_better_facts_are_a_version_without_an_upload(
    command, made, team
):
    plain = manifest(team, "runs/a,router,,,,")
    assert [one["version"] for one in results(command, plain)] == [1]
    assert [one["version"] for one in results(command, plain)] == [1]
    remote = made.root.parent / "project-storage"
    before = sorted(path for path in remote.rglob("*") if path.is_file())
    better = manifest(team, "runs/a,router,support-ml,,,")
    assert [one["version"] for one in results(command, better)] == [2]
    assert [one["version"] for one in results(command, better)] == [2]
    assert [one["version"] for one in results(command, plain)] == [2]
    assert sorted(path for path in remote.rglob("*") if path.is_file()) == before
    one, two = made.door.any_records("router")
    assert one.artifacts == two.artifacts


def test_a_recipe_is_kept_where_register_looks_for_it(command, made, team):
    (team / "router.yaml").write_text(as_written(a_recipe("router")))
    (result,) = results(command, manifest(team, "runs/a,,,,,router.yaml"))
    assert (result["adapter"], result["error"]) == ("router", None)
    assert made.door.recipe("router") == a_recipe("router")
    (listed,) = command("list", "--format", "json").json["results"]
    assert listed["owners"] == ["support-ml", "platform-ml"]


WRONG = {
    "runs/nowhere,,,,,": "no such folder",
    "runs,,,,,": "holds 2 adapters in folders below it",
    "runs/a,Not A Name,,,,": "not a name: 'Not A Name'",
    "runs/a,,,,data/none.jsonl,": "no such file or folder",
    "runs/a,,,,../outside.jsonl,": "not a path inside the project",
    "runs/a,,,,,none.yaml": "no such recipe",
    "runs/a,writer,,,,router.yaml": "the recipe of 'router', not of 'writer'",
}


@pytest.mark.parametrize(("row", "why"), WRONG.items())
def test_a_bad_row_concerns_itself_only(command, made, team, row, why):
    (team / "router.yaml").write_text(as_written(a_recipe("router")))
    bad, good = results(command, manifest(team, row, "runs/b,,,,,"))
    assert why in bad["error"]
    assert (good["adapter"], good["error"]) == ("b", None)
    assert made.door.adapters() == ["b"]


def test_another_recipe_of_that_name_is_not_overwritten(command, made, team):
    made.recipe("router", purpose="something else")
    (team / "router.yaml").write_text(as_written(a_recipe("router")))
    (result,) = results(command, manifest(team, "runs/a,,,,,router.yaml"))
    assert "adapter 'router' has another recipe already" in result["error"]
    assert made.door.recipe("router").purpose == "something else"


def test_a_manifest_that_is_none_is_refused_as_a_whole(command, made, team):
    (team / "all.csv").write_text("path,tema\nruns/a,x\n")
    said = command("import", "--manifest", str(team / "all.csv"))
    assert (said.status, "unknown column 'tema'" in said.err) == (3, True)
    assert command("import", "--manifest", str(team / "none.csv")).status == 3
    assert made.door.adapters() == []
