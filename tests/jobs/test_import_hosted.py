"""Fine-tunes that live at a provider: adopted from a list, and read like any other adapter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterctl.cli import run
from adapterctl.records.adopted import AdoptedVersion
from adapterctl.records.base import BaseSource
from adapterctl.stores.registry import FolderRegistry
from support.commands import Commands
from support.projects import copied
from support.registries import SmallRegistry, a_recipe, as_written

BASE = "gpt-4o-mini-2024-07-18"
TUNED = f"ft:{BASE}:acme:support-router:Ab12"
ROWS = '{"text": "hello", "label": "a"}\n'
WHOLE = {
    "provider": "openai",
    "model": TUNED,
    "base": BASE,
    "job": "ftjob-1",
    "data": "data/router/train.jsonl",
    "team": "support-ml",
    "backup": "platform-ml",
    "region": "eu",
    "created": "2026-03-01",
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("empty") / "project"
    assert run(["init", str(root)]) == 0
    (root / "data" / "router").mkdir(parents=True)
    (root / "data" / "router" / "train.jsonl").write_text(ROWS)
    home = root / "registry" / "adapters" / "router"
    home.mkdir()
    (home / "prepare.py").write_text("def prepare(rows):\n    return rows\n")
    return root


@pytest.fixture
def made(empty: Path, tmp_path: Path) -> SmallRegistry:
    return SmallRegistry(copied(empty, tmp_path))


@pytest.fixture
def command(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


def imported(command: Commands, *entries: Any, name: str = "hosted.json") -> list[dict[str, Any]]:
    """Imports a list of entries, or a text as it stands."""
    file = command.root.parent / name
    text = entries[0] if isinstance(entries[0], str) else json.dumps(entries)
    file.write_text(text)
    said = command("import", "--hosted", str(file), "--format", "json")
    assert said.status in {0, 1}, said.err
    results: list[dict[str, Any]] = said.json["results"]
    return results


def record(command: Commands, adapter: str = "support-router", version: int = 1) -> AdoptedVersion:
    found = FolderRegistry(command.root).any_record(adapter, version)
    assert isinstance(found, AdoptedVersion)
    return found


# the grades


def test_with_data_and_a_recipe_for_open_weights_it_is_rebuildable(command, made):
    made.base("minilm-l6")
    folder = command.root.parent
    (folder / "router.yaml").write_text(as_written(a_recipe("router")))
    (one,) = imported(command, WHOLE | {"recipe": "router.yaml"})
    assert (one["adapter"], one["grade"], one["gaps"], one["error"]) == ("router", "A", [], None)
    assert (one["peft_type"], one["base"], one["base_stated"]) == (None, None, BASE)
    found = record(command, "router")
    assert found.hosted.recipe.path == "registry/adapters/router/recipe.yaml"
    assert made.project().dvc.present(found.train.md5)
    assert (found.artifacts, found.weights_sha256, found.peft_type) == (None, None, None)


GRADES = {
    "C": ({"data": "data/router/train.jsonl"}, ["CODE001", "OWN001"]),
    "D": ({"team": "a", "backup": "b"}, ["DATA001", "CODE001"]),
}


@pytest.mark.parametrize("letter", GRADES)
def test_what_is_missing_lowers_the_grade(command, letter):
    said, gaps = GRADES[letter]
    (one,) = imported(command, {"provider": "openai", "model": TUNED, "base": BASE, **said})
    assert (one["adapter"], one["grade"], one["gaps"]) == ("support-router", letter, gaps)


def test_data_at_the_provider_are_stated_and_not_pinned(command):
    (one,) = imported(command, WHOLE | {"data": "file-abc123"})
    assert (one["grade"], one["gaps"]) == ("D", ["DATA001", "CODE001"])
    assert record(command).hosted.data == "file-abc123"
    assert "stated, and not pinned: file-abc123" in command("show", "support-router").out


def test_a_base_at_the_provider_is_meant_by_its_name_there(command, made):
    source = BaseSource(provider="openai", model=BASE)
    made.base("mini", source=source, revision=None, fingerprint=None)
    (one,) = imported(command, WHOLE)
    assert (one["base"], one["gaps"]) == ("mini", ["CODE001"])


# formats, and again

FORMATS = {
    "all.csv": f"provider,model,base,data\nopenai,{TUNED},{BASE},data/router/train.jsonl\n",
    "all.jsonl": json.dumps({"provider": "openai", "model": TUNED, "base": BASE}) + "\n",
    "all.yaml": f"- provider: openai\n  model: '{TUNED}'\n  base: {BASE}\n  job: 12345\n",
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read(command, name):
    (one,) = imported(command, FORMATS[name], name=name)
    assert (one["adapter"], one["error"]) == ("support-router", None)


def test_twice_adds_nothing_and_more_facts_are_the_next_version(command):
    less = {key: WHOLE[key] for key in ("provider", "model", "base")}
    assert [one["version"] for one in imported(command, less, less)] == [1, 1]
    assert [one["version"] for one in imported(command, WHOLE)] == [2]
    assert [one["version"] for one in imported(command, less)] == [2]
    assert [one["version"] for one in imported(command, WHOLE)] == [2]
    assert FolderRegistry(command.root).versions("support-router") == [1, 2]


BAD = {
    "- {provider: openai, modle: x, base: b}": [
        ":1: model: missing",
        "did you mean 'model'?",
    ],
    "- {provider: Open AI, model: x, base: b}": [":1: provider: not valid: 'Open AI'"],
    "\n- just a word": [":2: not a mapping: 'just a word'"],
    "- {provider: p, model: m, base: b, data: data/none.jsonl}": [":1: data/none.jsonl: no such"],
    "- {provider: p, model: m, base: b, recipe: none.yaml}": [":1: ", "no such recipe"],
    "- {provider: p, model: m, base: b, recipe: hosted.yaml}": [
        ":1: ",
        "its base mini is at openai",
        "name a base with open weights",
    ],
    "- {provider: p, model: m, base: b, recipe: unknown.yaml}": [
        ":1: ",
        "no base 'nobody'",
        "adapterctl bases add nobody",
    ],
    "- {provider: p, model: m, base: b, recipe: codeless.yaml}": [
        ":1: ",
        "codeless.yaml: preprocessing: no such file: registry/adapters/other/prepare.py",
    ],
    "- {provider: p, model: m, base: b, recipe: open.yaml, data: data/x.jsonl}": [
        ":1: data: its recipe trains on data/router/train.jsonl, not on data/x.jsonl"
    ],
}


@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_names_itself_and_the_mend_and_concerns_itself_only(command, made, line):
    made.base("mini", source=BaseSource(provider="openai", model=BASE))
    made.base("minilm-l6")
    folder, recipe = command.root.parent, as_written(a_recipe("router"))
    (folder / "open.yaml").write_text(recipe)
    (folder / "hosted.yaml").write_text(recipe.replace("base: minilm-l6", "base: mini"))
    (folder / "unknown.yaml").write_text(recipe.replace("base: minilm-l6", "base: nobody"))
    (folder / "codeless.yaml").write_text(as_written(a_recipe("other")))
    good = f"\n- {{provider: openai, model: '{TUNED}', base: {BASE}}}\n"
    bad, taken = imported(command, line + good, name="all.yaml")
    assert bad["error"].startswith(bad["path"]), bad
    for words in BAD[line]:
        assert words in bad["error"]
    assert (taken["adapter"], taken["error"]) == ("support-router", None)


def test_a_line_of_a_csv_is_named_by_its_number(command):
    _, bad = imported(command, f"provider,model,base\nopenai,{TUNED},b\nopenai,,b\n", name="a.csv")
    assert bad["error"] == f"{command.root.parent}/a.csv:3: model: missing\n  hint: add it"


@pytest.mark.parametrize(
    ("text", "words"),
    [("provider: openai", "not a list but a mapping"), ("- {a: b", "not YAML")],
)
def test_what_is_no_list_is_refused_as_a_whole(command, text, words):
    file = command.root.parent / "all.yaml"
    file.write_text(text)
    said = command("import", "--hosted", str(file))
    assert (said.status, words in said.err) == (3, True)


# the other commands


@pytest.fixture
def hosted(command: Commands) -> Commands:
    """A project with one hosted fine-tune, whose base is not declared."""
    imported(command, WHOLE)
    return command


def test_the_commands_that_read_speak_of_it(hosted):
    (line,) = hosted("list", "--format", "json").json["results"]
    assert (line["adapter"], line["base"], line["grade"], line["task"]) == (
        "support-router",
        BASE,
        "C",
        None,
    )
    shown = hosted("show", "support-router").out
    assert "at the provider, not obtainable" in shown and "ftjob-1" in shown
    assert "imported" in hosted("history", "support-router").out
    imported(hosted, WHOLE | {"job": "ftjob-2"})
    assert "hosted.job  ftjob-1 -> ftjob-2" in hosted(
        "diff", "support-router@1", "support-router@2"
    ).out.replace("\n    ", " ")


def test_the_audit_judges_it_by_its_providers_dates(hosted, made):
    def found() -> dict[str, dict[str, Any]]:
        said = hosted("audit", "--offline", "--format", "json", "--as-of", "2026-11-23")
        return {one["code"]: one for one in said.json["results"]}

    before = found()
    assert not {"BASE001", "BASE002"} & before.keys()
    assert before["EOL004"]["mend"] == (
        f"adapterctl bases add {BASE} --provider openai --model {BASE}"
    )
    made.base(BASE, source=BaseSource(provider="openai", model=BASE), revision=None)
    made.date(BASE, "2026-12-20", phase="serving", provider="openai")
    made.date(BASE, "2026-12-01", phase="serving", provider="azure")
    after = found()
    assert (after["EOL002"]["date"], after["EOL002"]["provider"]) == ("2026-12-20", "openai")


def test_verify_looks_at_the_data_and_says_where_the_weights_are(hosted, made):
    said = hosted("verify", "support-router")
    assert said.status == 0
    assert "data data/router/train.jsonl" in said.out
    assert "it lives at openai: its weights are not obtainable" in said.out


def test_data_that_were_removed_lawfully_are_said_to_be(hosted):
    assert hosted("forget", "support-router@1", "--because", "a customer asked").status == 0
    (line,) = hosted("list", "--format", "json").json["results"]
    assert line["grade"] == "D"
    said = hosted("verify", "support-router")
    assert (said.status, "a customer asked" in said.out) == (0, True)


NEEDS_WEIGHTS = ["pull {} --out x", "plan {} --to x", "rebuild {} --to x", "reproduce {}"]


@pytest.mark.parametrize("words", [*NEEDS_WEIGHTS, "evaluate {}"])
def test_what_needs_the_weights_says_what_to_do(hosted, words):
    said = hosted(*words.format("support-router").split())
    assert said.status == 3
    assert "support-router@1 lives at openai: its weights are not obtainable" in said.err
    assert "name a base with open weights in registry/adapters/support-router" in said.err


def test_it_is_promoted_and_mirrored(hosted, made):
    from mlflow import MlflowClient

    assert hosted("promote", "support-router@1").status == 0
    assert hosted("sync").status == 0
    uri = f"sqlite:///{hosted.root / '.adapterctl' / 'mlflow.db'}"
    version = MlflowClient(uri, uri).get_model_version("support-router", "1")
    assert version.tags["adapterctl.hosted"] == f"openai:{TUNED}"
