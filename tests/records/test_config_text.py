"""Another program's config is edited in place: its comments stay, its numbers are numbers."""

from __future__ import annotations

import json
import tomllib

import pytest
import yaml

from adapterctl.errors import InvalidInput
from adapterctl.records.config_text import leaves, with_values

AXOLOTL = """\
# found by hand
base_model: meta-llama/Llama-3.1-8B   # the old one
learning_rate: 2e-4
adapter: lora
lora_target_modules:
  - q_proj
  - v_proj
datasets:
  - path: somewhere.jsonl   # ours
    type: chat_template
deep: {nested: {value: "1"}}
"""


def test_yaml_keeps_its_comments_and_everything_else() -> None:
    values = {
        "base_model": "/bases/new",
        "learning_rate": 5e-05,
        "lora_target_modules": ["gate_proj"],
        "datasets.0.path": "/work/train.jsonl",
        "deep.nested.value": 3,
    }
    text = with_values(AXOLOTL, values, file="axolotl.yml")
    for comment in ("# found by hand", "# the old one", "# ours"):
        assert comment in text
    # PyYAML reads YAML 1.1, in which 5e-05 would be text.
    assert yaml.safe_load(text) == {
        "base_model": "/bases/new",
        "learning_rate": 5e-05,
        "adapter": "lora",
        "lora_target_modules": ["gate_proj"],
        "datasets": [{"path": "/work/train.jsonl", "type": "chat_template"}],
        "deep": {"nested": {"value": 3}},
    }


def test_json_is_set_and_stays_in_its_order() -> None:
    text = with_values('{"b": {"c": 1}, "a": [1, 2]}', {"b.c": 0.1, "a.1": "x"}, file="a.json")
    assert json.loads(text) == {"b": {"c": 0.1}, "a": [1, "x"]}
    assert text.index('"b"') < text.index('"a"')


def test_toml_keeps_its_comments() -> None:
    text = with_values("# ours\n[train]\nlr = 1.0  # rate\n", {"train.lr": 5e-5}, file="a.toml")
    assert text.startswith("# ours") and "# rate" in text
    assert tomllib.loads(text) == {"train": {"lr": 5e-5}}


def test_every_unknown_key_is_named_with_the_nearest() -> None:
    with pytest.raises(InvalidInput) as caught:
        with_values(AXOLOTL, {"base_modl": 1, "deep.other": 2, "datasets.4.path": 3}, file="a.yml")
    assert str(caught.value) == (
        "a.yml: has no base_modl\n  hint: did you mean 'base_model'?\n"
        "a.yml: has no deep.other\n  hint: add deep.other to it\n"
        "a.yml: has no datasets.4.path\n  hint: add datasets.4.path to it"
    )


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [("a.json", "{", "not JSON"), ("a.toml", "=", "not TOML"), ("a.yml", "a: [", "")],
)
def test_a_broken_config_is_named(file: str, text: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=rf"a\.\w+.*{word}"):
        leaves(text, file=file)


def test_values_of_a_config_are_found_with_their_paths() -> None:
    found = leaves(AXOLOTL, file="axolotl.yml")
    assert found[("datasets", 0, "path")] == "somewhere.jsonl"
    assert found[("lora_target_modules", 1)] == "v_proj"
    assert leaves("anything", file="notes.txt") == {}
