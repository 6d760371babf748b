"""Recipes are refused with file, line, path, value and mend; every error of a file at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import InvalidInput
from adapterctl.records.canonical import compact, digest, pretty
from adapterctl.records.reading import read_json, read_yaml, schema_of
from adapterctl.records.recipe import Recipe
from adapterctl.records.yaml_text import parse

SCHEMA = Path(__file__).parents[2] / "schemas" / "recipe.schema.json"

GOOD = """\
schema_version: 1
adapter: support-router
base: minilm-l6
task: SEQ_CLS
data:
  train: {path: data/train.jsonl}
  evaluation:
    gold: {path: data/gold.jsonl, metrics: [accuracy]}
preprocessing: registry/adapters/support-router/prepare.py:prepare
training: {learning_rate: 5e-4, seed: 17}
"""


def errors_of(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(text, Recipe, file="recipe.yaml")
    return str(caught.value)


def test_a_good_recipe_is_typed_and_immutable() -> None:
    recipe = read_yaml(GOOD, Recipe, file="recipe.yaml")
    assert recipe.training.learning_rate == 5e-4
    with pytest.raises(AttributeError):
        recipe.adapter = "other"  # type: ignore[misc]


ONE_MISTAKE = {
    "a typo in a key": (
        "training: {learning_rate: 5e-4",
        "training: {learning_rat: 5e-4",
        "recipe.yaml:10: training.learning_rat: unknown key (value 0.0005)\n"
        "  hint: did you mean 'learning_rate'?",
    ),
    "a word for a number": (
        "seed: 17",
        "seed: no",
        "recipe.yaml:10: training.seed: not a whole number: 'no'",
    ),
    "a number out of range": (
        "seed: 17",
        "per_device_train_batch_size: 0",
        "recipe.yaml:10: training.per_device_train_batch_size: out of range: 0\n"
        "  hint: must be at least 1",
    ),
    "a date that is none": (
        "path: data/train.jsonl",
        "path: data/train.jsonl, keep_until: 2027-13-01",
        "recipe.yaml:6: data.train.keep_until: not a date: '2027-13-01'\n"
        "  hint: dates are YYYY-MM-DD",
    ),
    "an unknown task": (
        "SEQ_CLS",
        "SEQ_CLSS",
        "recipe.yaml:4: task: not a known value: 'SEQ_CLSS'\n  hint: did you mean 'SEQ_CLS'?",
    ),
    "something missing": (
        "base: minilm-l6\n",
        "",
        "recipe.yaml:1: base: missing\n  hint: add it",
    ),
    "a name that climbs out": (
        "adapter: support-router",
        "adapter: ../support-router",
        "recipe.yaml:2: adapter: not valid: '../support-router'\n"
        "  hint: use small letters, digits, '.', '_' and '-', at most 80",
    ),
    "a field that the builtin trainer does not honour": (
        "seed: 17",
        "fp16: true",
        "recipe.yaml:10: training.fp16: unknown key (value True)\n  hint: did you mean 'bf16'?",
    ),
}


@pytest.mark.parametrize("case", ONE_MISTAKE)
def test_a_mistake_is_named_with_its_place_and_mend(case: str) -> None:
    before, after, message = ONE_MISTAKE[case]
    assert before in GOOD
    assert errors_of(GOOD.replace(before, after)) == message


def test_all_mistakes_of_a_file_are_listed_at_once() -> None:
    text = GOOD.replace("SEQ_CLS", "CLS").replace("seed: 17", "sed: 17")
    text = text.replace("[accuracy]", "[7]")
    assert errors_of(text).count("recipe.yaml:") == 3


def test_a_duplicate_key_is_an_error() -> None:
    message = "recipe.yaml:11: base: duplicate key, first on line 3"
    assert errors_of(GOOD + "base: other\n") == message


def test_yaml_is_read_as_1_2() -> None:
    document = parse("a: no\nb: 5e-4\nc: 0o17\nd: 2026-01-01\ne: ~\nf: 1_000\n", file="x.yaml")
    assert document.data == {
        "a": "no",
        "b": 5e-4,
        "c": 15,
        "d": "2026-01-01",
        "e": None,
        "f": "1_000",
    }


def test_aliases_cannot_explode() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InvalidInput, match="expands to more than 100,000 values"):
        parse("\n".join(lines), file="bomb.yaml")


def test_a_file_of_megabytes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="larger than 1,000,000 bytes"):
        parse("a: " + "x" * 1_000_001, file="big.yaml")


def test_broken_yaml_is_named_by_line() -> None:
    with pytest.raises(InvalidInput, match=r"^x\.yaml:2: not YAML"):
        parse("a: 1\n b: : 2\n", file="x.yaml")


def test_the_schema_in_the_repository_is_current() -> None:
    current = msgspec.json.format(msgspec.json.encode(schema_of(Recipe)), indent=2) + b"\n"
    if os.environ.get("ADAPTERCTL_UPDATE_GOLDENS"):
        SCHEMA.write_bytes(current)
    assert SCHEMA.read_bytes() == current, "ADAPTERCTL_UPDATE_GOLDENS=1 writes it anew"


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    import jsonschema

    schema = json.loads(SCHEMA.read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema_version": 1, "adapter": "x", "extra": 1}, schema)


def test_msgspec_alone_stops_at_the_first_error() -> None:
    """Why the door uses jsonschema; when this changes, one library does."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"schema_version": 2, "adapter": 3}, Recipe)
    assert str(caught.value).count("$.") == 1


def test_equal_nouns_have_equal_bytes() -> None:
    assert compact({"b": 1, "a": [1.0, None]}) == b'{"a":[1.0,null],"b":1}'
    assert pretty({"b": 1, "a": 2}) == b'{\n  "a": 2,\n  "b": 1\n}\n'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_a_recipe_survives_the_record() -> None:
    recipe = read_yaml(GOOD, Recipe, file="recipe.yaml")
    assert read_json(compact(recipe), Recipe, file="1.json") == recipe
