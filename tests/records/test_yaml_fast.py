"""What is read fast means what YAML 1.2 says; anything else is left to the slower reader."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.jobs.new import RECIPE, SETTINGS
from adapterctl.records import yaml_fast
from adapterctl.records.reading import read_yaml
from adapterctl.records.recipe import Recipe
from adapterctl.records.yaml_text import parse

OWN = Path(__file__).parents[2] / "registry/adapters/support-router/recipe.yaml"

VALUES = """\
a: 5e-4
b: no
c: 2026-01-01
d: 12:30:45
e: 010
f: .5
g: +1
h: 99999999999999999999999
i: -.inf
j: ~
k: True
l: yes
m: 'it''s'
n: "a\\n\\u00e9"
o: plain
  text on two lines
p: [a, 'b', {c: d}]
q: http://example.org:80/x#y  # a comment
r: {a: , b: "x: y"}
f1_macro: 1
"""

LEFT = {
    "a number with underscores": "a: 1_000",
    "another base": "a: 0o17",
    "binary": "a: 0b1",
    "a tag": "a: !!str 5",
    "an anchor": "a: &x 1",
    "an alias": "a: *x",
    "a block of text": "a: |\n  b\n",
    "a folded block": "a: >\n  b\n",
    "a document's begin": "---\na: 1",
    "a directive": "%YAML 1.1\n---\na: 1",
    "a merge": "a: {<<: b}",
    "a tab": "a:\t1",
    "a complex key": "? a\n: 1",
    "a number for a key": "1: a",
    "true for a key": "{true: a}",
    "a list for a key": "[a]: b",
    "a duplicate key": "a: 1\na: 2",
    "a duplicate key inside": "a: {b: 1, b: 2}",
    "brackets over two lines": "a: [1,\n  2]",
    "a byte order mark": "\ufeffa: 1",
    "a control character": "a: \x07",
    "not YAML": "a: [1",
    "a hundred thousand characters": "a: " + "b" * yaml_fast.MAX_CHARACTERS,
}


def test_what_is_read_is_what_the_slower_reader_reads() -> None:
    assert repr(yaml_fast.read(VALUES)) == repr(parse(VALUES, file="f").data)


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_what_is_beyond_it_is_left(text: str) -> None:
    assert yaml_fast.read(text) is yaml_fast.LEFT


def test_recipes_as_people_get_them_are_read_fast() -> None:
    begun = RECIPE.format(
        adapter="a",
        base="b",
        task="SEQ_CLS",
        metrics="[accuracy]",
        margin="accuracy",
        generation="",
        settings=SETTINGS,
        team="ana",
    )
    for text in (OWN.read_text(encoding="utf-8"), begun):
        assert yaml_fast.read(text) == parse(text, file="f").data


def test_texts_with_anything_wrong_in_them_never_differ() -> None:
    """Pieces of recipes, cut and mended at random: both read the same, or the fast one leaves it.

    A change of yaml-rs that gives another meaning to anything shows here.
    """
    draw = random.Random(20261123)
    sources = [OWN.read_text(encoding="utf-8"), VALUES]
    read = 0
    for _ in range(4_000):
        text = _mutated(draw.choice(sources), draw)
        fast = yaml_fast.read(text)
        if fast is not yaml_fast.LEFT:
            read += 1
            assert repr(fast) == repr(_slowly(text)), text
    assert read > 800


def _slowly(text: str) -> object:
    try:
        return parse(text, file="f").data
    except InvalidInput as error:
        return error


def _mutated(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    begin = draw.randrange(len(lines))
    text = "\n".join(lines[begin : begin + draw.randint(1, 10)])
    for _ in range(draw.randint(0, 3)):
        at = draw.randrange(len(text) + 1)
        put = draw.choice([*"\n :-,[]{}#'\"019abn._+e=é", ": ", "- ", "\n  ", "[]", "''", "null"])
        text = text[:at] + put + text[at + draw.randint(0, 2) :]
    return text


def test_a_folded_text_has_no_marks_of_its_folds() -> None:
    """ruamel.yaml's round-trip loader leaves a BEL wherever it folds a line."""
    text = "purpose: >\n  one line\n  and another\n"
    assert parse(text, file="f").data == {"purpose": "one line and another\n"}


def test_not_a_number_stays_one() -> None:
    assert math.isnan(parse("a: .nan", file="f").data["a"])


MISTAKES = [
    ("schema_version: 1", "schema_version: 2"),
    ("adapter: support-router", "adapter: Support Router"),
    ("purpose: Routes", "purpos: Routes"),
    ("task: SEQ_CLS", "task: OTHER"),
    ("path: data/support/train.jsonl", "path: ''"),
    ("window: 2026-01-01/2026-03-31", "window: 2026"),
    ("keep_until: 2028-12-31", "keep_until: 2028-13-31"),
    ("metrics: [accuracy, f1_macro]", "metrics: [7]"),
    ("r: 16", "r: 0"),
    ("lora_dropout: 0.05", "lora_dropout: 1.5"),
    ("seed: 17", "seed: no"),
    ("seed: 17", "seed: 1.5"),
    ("seed: 17", "seed: true"),
    ("negative_flips: 0.12", "negative_flips: [1]"),
    ("base: ticket-base-1", "base: 5"),
]


@pytest.mark.parametrize(("right", "wrong"), MISTAKES, ids=[wrong for _, wrong in MISTAKES])
def test_a_mistake_is_found_whichever_way_it_is_read(right: str, wrong: str) -> None:
    """msgspec alone must refuse what the schema refuses: the fast way does not ask the schema."""
    text = OWN.read_text(encoding="utf-8").replace(right, wrong)
    assert yaml_fast.read(text) is not yaml_fast.LEFT
    with pytest.raises(InvalidInput):
        read_yaml(text, Recipe, file="recipe.yaml")
