"""A newcomer's first ten minutes: init, bases, new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterctl.cli import run
from adapterctl.stores.registry import FolderRegistry
from support.projects import command, git, write_jsonl
from support.tiny_bases import tiny_bert


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    assert run(["init", str(root)]) == 0
    return root


def test_init_makes_a_project_with_git_and_dvc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "support"
    assert run(["init", str(root)]) == 0
    said = capsys.readouterr().out
    assert "git add .gitattributes .gitignore params.yaml" in said
    assert (root / ".git").is_dir() and (root / ".dvc/config").is_file()
    assert "*.jsonl merge=union" in (root / ".gitattributes").read_text()
    assert FolderRegistry(root).policy().lead_time_days == 60
    assert command(root, "list") == 0


def test_init_where_a_repository_ignores_it_makes_a_repository_of_its_own(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("/scratch/\n")
    root = tmp_path / "scratch" / "project"
    assert run(["init", str(root)]) == 0
    assert (root / ".git").is_dir() and (root / ".dvc" / "config").is_file()


def test_init_leaves_a_project_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["init", str(project)]) == 3
    assert "this folder is a project already" in capsys.readouterr().err


def test_init_adds_to_files_that_exist(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    assert run(["init", str(tmp_path), "--remote", str(tmp_path.parent / "store")]) == 0
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[0] == "*.pyc" and "/.adapterctl/" in lines


def test_a_base_is_declared_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tiny_bert(project.parent / "bert")
    other = tiny_bert(project.parent / "other", seed=5)
    assert command(project, "bases", "add", "bert", "--path", str(folder)) == 0
    written = (project / "registry/bases/bert.yaml").read_bytes()
    assert command(project, "bases", "add", "bert", "--path", str(folder)) == 0
    assert "is declared already" in capsys.readouterr().out
    assert command(project, "bases", "add", "bert", "--path", str(other)) == 3
    assert "with other weights" in capsys.readouterr().err
    assert (project / "registry/bases/bert.yaml").read_bytes() == written


def test_a_base_has_the_fingerprint_that_the_command_prints(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_bert(project.parent / "bert")
    command(project, "bases", "add", "bert", "--path", str(folder))
    capsys.readouterr()
    out = project / "identity.json"
    words = ("bases", "fingerprint", str(folder), "--out", str(out), "--format", "json")
    assert command(project, *words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["results"][0]["fingerprint"] == FolderRegistry(project).base("bert").fingerprint
    assert json.loads(out.read_text())["fingerprint"] == answer["results"][0]["fingerprint"]


def test_a_base_needs_exactly_one_source(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(project, "bases", "add", "bert") == 2
    assert "exactly one of --path, --hub and --provider" in capsys.readouterr().err
    assert command(project, "bases", "add", "../bert", "--path", str(project)) == 3
    assert "not a name" in capsys.readouterr().err


def test_a_hosted_base_has_no_fingerprint(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("bases", "add", "gpt", "--provider", "openai", "--model", "gpt-x")
    assert command(project, *words) == 0
    assert "not obtainable" in capsys.readouterr().out
    command(project, "bases", "alias", "gpt", "gpt-x-2026")
    assert FolderRegistry(project).base("gpt").names == ["gpt-x-2026"]


SHAPES = {
    "text and label": (
        [{"text": f"row {n} of text", "label": "ab"[n % 2]} for n in range(40)],
        "SEQ_CLS",
    ),
    "columns of another name": (
        [{"body": f"row {n} of text here", "team": "ab"[n % 2], "n": n} for n in range(40)],
        "SEQ_CLS",
    ),
    "prompt and completion": (
        [{"prompt": f"question {n}", "completion": f"answer {n}"} for n in range(40)],
        "CAUSAL_LM",
    ),
    "messages": (
        [{"messages": [{"role": "user", "content": str(n)}]} for n in range(40)],
        "CAUSAL_LM",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_new_reads_the_task_off_the_rows(shape: str, project: Path) -> None:
    rows, task = SHAPES[shape]
    command(project, "bases", "add", "bert", "--path", str(tiny_bert(project.parent / "bert")))
    write_jsonl(project.parent / "rows.jsonl", rows)
    assert command(project, "new", "router", "--data", str(project.parent / "rows.jsonl")) == 0
    recipe = FolderRegistry(project).recipe("router")
    assert (recipe.task, recipe.base) == (task, "bert")
    train = (project / recipe.data.train.path).read_text().splitlines()
    gold = (project / recipe.data.evaluation["gold"].path).read_text().splitlines()
    assert len(train) + len(gold) == 40 and not set(train) & set(gold)
    assert (project / "data/router/train.jsonl.dvc").is_file()


def test_new_takes_no_name_twice(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(project, "bases", "add", "bert", "--path", str(tiny_bert(project.parent / "bert")))
    write_jsonl(project.parent / "rows.jsonl", SHAPES["text and label"][0])
    words = ("new", "router", "--data", str(project.parent / "rows.jsonl"))
    assert command(project, *words) == 0
    assert command(project, *words) == 3
    assert "this adapter has a recipe already" in capsys.readouterr().err


def test_new_asks_which_base(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_jsonl(project.parent / "rows.jsonl", SHAPES["text and label"][0])
    assert command(project, "new", "router", "--data", str(project.parent / "rows.jsonl")) == 3
    assert "which base? known: none" in capsys.readouterr().err


def test_new_carries_settings_over_from_another_trainer(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_bert(project.parent / "bert")
    command(project, "bases", "add", "bert", "--path", str(folder))
    command(
        project, "bases", "add", "other", "--path", str(tiny_bert(project.parent / "b2", seed=3))
    )
    command(project, "bases", "alias", "bert", "acme/bert-small")
    config = project.parent / "axolotl.yml"
    config.write_text(
        "base_model: acme/bert-small\nadapter: lora\nlora_r: 8\nlora_alpha: 16\n"
        "lora_target_modules: [query, value]\nmicro_batch_size: 4\nlearning_rate: 2e-4\n"
        "sequence_len: 64\nsample_packing: true\noptimizer: adamw_bnb_8bit\n"
    )
    rows = project.parent / "rows.jsonl"
    write_jsonl(rows, SHAPES["text and label"][0])
    capsys.readouterr()
    assert command(project, "new", "router", "--data", str(rows), "--from", str(config)) == 0
    said = capsys.readouterr().out
    assert "6 settings from a config of Axolotl; left: optimizer, sample_packing" in said
    recipe = FolderRegistry(project).recipe("router")
    assert (recipe.base, recipe.lora.r, recipe.lora.target_modules) == (
        "bert", 8, ["query", "value"],
    )  # fmt: skip
    assert (recipe.training.learning_rate, recipe.training.max_length) == (2e-4, 64)
    text = FolderRegistry(project).recipe_path("router").read_text()
    assert "# not carried over: sample_packing\n" in text


def test_new_from_something_else_writes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(project, "bases", "add", "bert", "--path", str(tiny_bert(project.parent / "bert")))
    rows = project.parent / "rows.jsonl"
    write_jsonl(rows, SHAPES["text and label"][0])
    words = ("new", "router", "--data", str(rows), "--from")
    assert command(project, *words, str(project.parent / "none.yml")) == 3
    assert command(project, *words, str(rows)) == 3
    assert command(project, *words, str(project.parent)) == 3
    assert not (project / "registry/adapters/router").exists()
    assert "no such file" in capsys.readouterr().err
