"""A trainer's command line: no value can end a word, and nothing unknown is let through."""

from __future__ import annotations

import pytest

from adapterctl.records.reading import read_yaml
from adapterctl.records.recipe import Command, Recipe
from adapterctl.rules.recipes import contradictions, recipe_digest
from adapterctl.rules.trainer_commands import (
    as_set,
    command_line,
    config_mistakes,
    filled,
    handed,
    named_files,
)

TEXT = """\
schema_version: 1
adapter: router
base: old-base
task: SEQ_CLS
data: {train: {path: data/train.jsonl}}
preprocessing: prepare.py:prepare
"""
WHOLE = "python train.py {base} {data} {out}"


def recipe(trainer: str) -> Recipe:
    return read_yaml(f"{TEXT}trainer: {trainer}\n", Recipe, file="recipe.yaml")


def said(trainer: str) -> list[tuple[str, str, str]]:
    found = contradictions(recipe(trainer))
    return [(".".join(map(str, each.path)), each.what, each.hint) for each in found]


# Filling in


def test_a_value_is_one_word_whatever_it_holds() -> None:
    values = {"base": "/with space/; rm -rf $HOME", "out": "'"}
    command = Command(command="python train.py --base {base} '--to={out}' \"a b\"")
    assert command_line(command, values) == [
        "python",
        "train.py",
        "--base",
        "/with space/; rm -rf $HOME",
        "--to='",
        "a b",
    ]


def test_a_template_that_is_one_placeholder_keeps_the_type() -> None:
    values = {"learning_rate": 5e-5, "out": "/o", "lora.target_modules": ["q", "v"]}
    assert filled("{learning_rate}", values) == 5e-5
    assert filled("{lora.target_modules}", values) == ["q", "v"]
    assert filled("lr-{learning_rate}", values) == "lr-5e-05"
    assert filled("--modules={lora.target_modules}", values) == "--modules=q,v"
    assert filled("{{out}} {out}", values) == "{out} /o"


@pytest.mark.parametrize(
    ("template", "value"),
    [("3", 3), ("1e-3", 1e-3), ("true", True), ("no", "no"), ("{seed}", 7), ("", None)],
)
def test_what_is_set_is_read_as_yaml_reads_it(template: str, value: object) -> None:
    assert as_set(template, {"seed": 7}) == value


def test_braces_that_are_no_placeholder_stay() -> None:
    assert filled('{"a": {"b": 1}}', {}) == '{"a": {"b": 1}}'


# What is refused


def test_a_good_trainer_is_let_through() -> None:
    assert said(f"{{command: '{WHOLE}'}}") == []
    assert said("{command: 'python train.py {recipe}'}") == []
    assert said("{command: 'axolotl train {config}', config: a.yml, set: {x: '{recipe}'}}") == []


def test_an_unknown_placeholder_is_named_with_the_nearest() -> None:
    assert said(f"{{command: '{WHOLE} {{learnig_rate}}'}}") == [
        (
            "trainer.command",
            "unknown placeholder {learnig_rate}",
            "did you mean {learning_rate}?",
        )
    ]


def test_every_mistake_is_named_at_once() -> None:
    found = said(
        "{command: 'python train.py | tee log', config: ../a.yml, set: {lr: '{lora.rank}'}}"
    )
    assert [(path, what) for path, what, _ in found] == [
        ("trainer.set.lr", "unknown placeholder {lora.rank}"),
        ("trainer", "the trainer is not told where the base lies"),
        ("trainer", "the trainer is not told where the training rows lie"),
        ("trainer", "the trainer is not told where to leave the adapter"),
        ("trainer.command", "'|' means nothing here: no shell runs it"),
        ("trainer.config", "the trainer is not told of it"),
        ("trainer.config", "not inside the project: ../a.yml"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "--hub_token hf_abcdefghijklmnopqrst",
        "--api-key 12",
        "https://me:pw@example.org/x",
        "--password=x",
    ],
)
def test_a_credential_in_the_command_is_refused(words: str) -> None:
    [(path, what, _)] = said(f"{{command: '{WHOLE} {words}'}}")
    assert (path, what) == ("trainer.command", "holds a credential")


def test_a_token_of_the_vocabulary_is_no_credential() -> None:
    assert said(f"{{command: '{WHOLE} --eos_token <|im_end|> --max-tokens 12'}}") == []


def test_an_open_quote_is_refused() -> None:
    [found] = said(f'{{command: "{WHOLE} \'"}}')
    assert found[1] == "cannot be split into words: No closing quotation"


def test_set_without_a_file_that_can_be_set_is_refused() -> None:
    [found] = said(f"{{command: '{WHOLE} {{config}}', config: a.ini, set: {{x: '1'}}}}")
    assert found[1] == "a.ini is neither YAML, JSON nor TOML"
    [found] = said(f"{{command: '{WHOLE}', set: {{x: '1'}}}}")
    assert found[1] == "there is no trainer.config to set"


def test_keys_that_the_config_does_not_have_are_named() -> None:
    command = Command(command="x {config}", config="a.yml", set={"lora.r": "8", "lr": "1"})
    found = list(config_mistakes(command, "lora_r: 8\nlora: {rank: 3}\n"))
    assert [(".".join(map(str, each.path)), each.what) for each in found] == [
        ("trainer.set.lora.r", "a.yml: has no lora.r"),
        ("trainer.set.lr", "a.yml: has no lr"),
    ]


def test_a_missing_config_is_named() -> None:
    [found] = config_mistakes(Command(command="x {config}", config="a.yml"), None)
    assert (found.path, found.what) == (("trainer", "config"), "no such file: a.yml")


# What reaches the trainer


def test_what_only_stands_in_a_config_counts_when_the_config_is_handed() -> None:
    command = Command(command="x {config} {seed}", config="a.yml", set={"m": "{base}"})
    assert handed(command) == {"config", "training.seed", "base"}
    assert handed(Command(command="x", config="a.yml", set={"m": "{base}"})) == set()


def test_words_that_may_name_files() -> None:
    command = Command(
        command="accelerate launch --config_file=acc.yaml ./scripts/train.py --to {out}/x.py 3"
    )
    assert named_files(command) == ["accelerate", "launch", "acc.yaml", "scripts/train.py", "3"]
    assert "pack/cli.py" in named_files(Command(command="python -m pack.cli {base}"))


def test_the_command_is_part_of_what_is_built() -> None:
    one, other = recipe(f"{{command: '{WHOLE}'}}"), recipe(f"{{command: '{WHOLE} --fast'}}")
    assert recipe_digest(one) != recipe_digest(other)
