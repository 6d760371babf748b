"""What is made of single rows, from the text to the answer, is the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.records.reading import read_yaml
from adapterctl.records.recipe import Recipe
from adapterctl.training.asking.probing import probed
from adapterctl.training.loading import LoadedBase, load_base
from support.tiny_adapters import tiny_adapter

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = """
schema_version: 1
adapter: writer
base: tiny
task: CAUSAL_LM
data: {train: {path: data/train.jsonl}}
preprocessing: prepare.py:prepare
training: {max_length: 32, per_device_eval_batch_size: 2}
generation: {max_new_tokens: 4}
"""
ROWS = [
    {"id": str(number), "prompt": text, "completion": " thanks"}
    for number, text in enumerate(["a late parcel", "refund", "the password is lost"])
]


def asked(base: LoadedBase, adapter: Path, rows: list[dict[str, str]]):
    said: list[str] = []
    recipe = read_yaml(RECIPE, Recipe, file="recipe.yaml")
    return probed(
        base, adapter, recipe=recipe, rows=rows, labels=(), place="probe", log=said.append
    )


@pytest.fixture
def adapter(llama, tmp_path) -> Path:
    return tiny_adapter(tmp_path / "adapter", llama, task="CAUSAL_LM")


def test_text_tokens_mask_answer_and_its_likelihood_are_told(llama, adapter):
    base = load_base(llama, task="CAUSAL_LM", head_seed=1, device="cpu")
    for row, (example, answer) in zip(ROWS, asked(base, adapter, ROWS), strict=True):
        assert row["prompt"] in example.text
        assert len(example.input_ids) == len(example.loss_mask) > sum(example.loss_mask) > 0
        assert answer.id == row["id"]
        assert answer.scores["nll"] > 0


def test_a_base_that_is_loaded_again_answers_the_same(llama, adapter):
    first, second = (
        asked(load_base(llama, task="CAUSAL_LM", head_seed=1, device="cpu"), adapter, ROWS)
        for _ in range(2)
    )
    assert first == second


def test_another_adapter_is_noticed_in_the_answers_alone(llama, adapter, tmp_path):
    base = load_base(llama, task="CAUSAL_LM", head_seed=1, device="cpu")
    other = tiny_adapter(tmp_path / "other", llama, task="CAUSAL_LM", seed=8)
    one, two = asked(base, adapter, ROWS), asked(base, other, ROWS)
    assert [example for example, _ in one] == [example for example, _ in two]
    assert all(a.scores["nll"] != b.scores["nll"] for (_, a), (_, b) in zip(one, two, strict=True))
