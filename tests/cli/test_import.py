"""`adapterctl import` as scripts and people use it, and the commands that read what it wrote."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from adapterctl.records.base import BaseSource
from support.adapter_folders import LFS_POINTER, adapter_folder
from support.commands import Commands
from support.goldens import assert_golden
from support.registries import SmallRegistry, in_days

TODAY = ("--as-of", "2026-11-23")
SHAPE = "path adapter version grade peft_type base base_stated peft_release gaps error".split()


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    return SmallRegistry(tmp_path / "project")


@pytest.fixture
def run(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two adapters, of which one bears the base's mirror, and a folder that is none."""
    adapter_folder(
        tmp_path / "runs" / "router",
        base_model_name_or_path="unsloth/gemma-2-9b-it-bnb-4bit",
        peft_version=...,
    )
    adapter_folder(tmp_path / "runs" / "writer", base_model_name_or_path=None, peft_type="IA3")
    (tmp_path / "runs" / "lost").mkdir()
    (tmp_path / "runs" / "lost" / "adapter_config.json").write_bytes(LFS_POINTER)
    return tmp_path / "runs"


def test_the_json_answer_has_the_shape_of_the_contract(run, runs):
    said = run("import", str(runs), "--format", "json")
    assert said.status == 1
    assert list(said.json) == ["schema_version", "command", "as_of", "results", "skipped"]
    assert said.json["command"] == "import"
    lost, router, writer = said.json["results"]
    assert [list(result) for result in (lost, router, writer)] == [SHAPE] * 3
    assert router == {
        "path": str(runs / "router"),
        "adapter": "router",
        "version": 1,
        "grade": "D",
        "peft_type": "LORA",
        "base": "google/gemma-2-9b-it",
        "base_stated": "unsloth/gemma-2-9b-it-bnb-4bit",
        "peft_release": {"min": "0.1.0", "max": "0.20.0"},
        "gaps": "WGT002 DATA001 CODE001 ENV001 BASE001 BASE002 OWN001".split(),
        "error": None,
    }
    assert (writer["base"], writer["base_stated"], writer["gaps"][1]) == (None, None, "BASE003")
    assert lost["error"].endswith("not the config\n  hint: git lfs pull")
    assert (lost["adapter"], lost["gaps"]) == (None, [])


def test_the_text_answer_names_each_adapter_and_each_folder_that_was_not_taken(run, runs):
    said = run("import", str(runs))
    assert said.status == 1
    assert_golden("import.txt", said.out.replace(str(runs), "runs"))


def test_a_second_import_has_nothing_to_add(run, runs):
    run("import", str(runs / "router"))
    said = run("import", str(runs / "router"))
    assert (said.status, "git add" in said.out) == (0, False)
    assert "0 imported, 1 known already, 0 not taken" in said.out


def test_an_import_of_nothing_and_a_name_beside_a_list_are_usage_errors(run):
    assert run("import").status == 2
    for option in ("--manifest", "--hosted"):
        said = run("import", option, "all.csv", "--name", "router")
        assert (said.status, "a list has a column for it" in said.err) == (2, True)


def test_a_name_for_several_folders_is_refused_and_nothing_is_written(run, runs, made):
    said = run("import", str(runs), "--name", "one")
    assert said.status == 3
    assert "--name one is for one folder, and there are 3" in said.err
    assert made.door.adapters() == []


def test_a_thousand_folders_take_less_than_20_ms_each(run, tmp_path, made):
    for number in range(1_000):
        adapter_folder(tmp_path / "many" / f"router-{number:04}", r=number % 64 + 1)
    began = time.perf_counter()
    said = run("import", str(tmp_path / "many"))
    seconds = time.perf_counter() - began
    assert (said.status, len(made.door.adapters())) == (0, 1_000)
    assert "1,000 imported, 0 known already, 0 not taken" in said.out
    assert "importing: 1,000 of 1,000" in said.err
    assert seconds / 1_000 < 0.020


# reading commands know both kinds


def test_show_tells_everything_that_is_known_of_an_adopted_version(run, made):
    made.adopted("router")
    said = run("show", "router", *TODAY)
    assert (said.status, said.err) == (0, "")
    assert_golden("show_adopted.txt", said.out)
    (shown,) = run("show", "router", "--format", "json").json["results"]
    assert shown["record"]["kind"] == "adopted"
    assert (shown["grade"], shown["owners"]) == ("C", [])


def test_list_history_and_audit_read_adopted_versions_beside_built_ones(run, made):
    made.base("minilm-l6")
    made.adapter("invoices")
    made.adopted("router")
    rows = run("list", "--format", "json", *TODAY).json
    assert [(row["adapter"], row["grade"]) for row in rows["results"]] == [
        ("invoices", "A"),
        ("router", "C"),
    ]
    assert rows["skipped"] == []
    assert (rows["results"][1]["base"], rows["results"][1]["task"]) == ("acme/base-7b", None)
    (line,) = run("history", "router", "--format", "json").json["results"]
    assert (line["what"], line["details"]) == ("imported", {"base": "acme/base-7b"})
    assert run("audit", *TODAY, "--all").status == 0


def findings(run: Commands, adapter: str, *words: str) -> dict[str, dict]:
    found = run("audit", "--format", "json", *TODAY, *words).json["results"]
    return {one["code"]: one for one in found if one["subject"] == f"adapter:{adapter}@1"}


def test_the_end_of_a_declared_base_hits_who_means_it(run, made):
    made.base("base-7b", source=BaseSource(hub="acme/Base-7B"), names=["google/gemma-2-9b-it"])
    made.date("base-7b", in_days(30))
    made.adopted("router")
    late = findings(run, "router")["EOL002"]
    assert (late["base"], late["slack_days"]) == ("base-7b", -30)
    assert run("list", "--base", "base-7b", "--format", "json").json["results"] != []


def test_the_end_of_a_repository_that_nobody_declared_hits_too(run, made):
    made.date("acme/base-7b", in_days(30))
    made.adopted("router")
    assert findings(run, "router")["EOL002"]["base"] == "acme/base-7b"


@pytest.mark.parametrize(
    ("stated", "mend"),
    [
        ("acme/base-7b", "adapterctl bases add base-7b --hub acme/base-7b@REVISION"),
        ("/data/base-7b", "adapterctl bases add base-7b --path DIR"),
        ("models/chatglm-6b", "adapterctl bases add chatglm-6b --path DIR"),
        (None, "write base in registry/adapters/router/recipe.yaml"),
    ],
)
def test_a_base_that_nobody_declared_has_an_unknown_end(run, made, stated, mend):
    from adapterctl.rules.names.stated import stated_base

    made.adopted("router", base=stated_base(stated))
    found = findings(run, "router")
    assert sorted(found) == ["EOL004", "OWN001"]
    assert found["EOL004"]["mend"] == mend


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "router", "--to", "minilm-l6"),
        ("rebuild", "router", "--to", "minilm-l6"),
        ("evaluate", "router"),
        ("reproduce", "router"),
        ("compare", "router", "router"),
    ],
    ids=lambda words: words[0],
)
def test_what_needs_the_sources_says_that_they_are_missing(run, made, words):
    made.base("minilm-l6")
    made.adopted("router")
    said = run(*words)
    assert (said.status, said.out) == (3, "")
    assert "router@1 was imported: its data, code, recipe and environment are not" in said.err
    assert "hint: write registry/adapters/router/recipe.yaml with its base, data and" in said.err


def test_a_base_with_a_broken_file_does_not_hide_the_others(run, made, tmp_path):
    made.base("base-7b", source=BaseSource(hub="acme/base-7b"))
    (made.door.folder / "bases" / "broken.yaml").write_text("base: [")
    assert run("import", str(adapter_folder(tmp_path / "router"))).status == 0
    (row,) = run("list", "--format", "json").json["results"]
    assert row["base"] == "base-7b"
