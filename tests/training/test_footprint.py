"""The memory that a plan expects is what training takes, by the allocator's own account."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from adapterctl.records.recipe import LoraSettings, Recipe, TrainingSettings
from adapterctl.rules.planning.estimates import LargestPass
from adapterctl.rules.planning.memory import TOLERANCE, Memory, memory
from adapterctl.training.footprint import footprint
from adapterctl.training.learning.fleet import train
from adapterctl.training.learning.job import SlotJob, Trained
from adapterctl.training.rows.text import encode, label_names, load_tokenizer
from support.registries import a_recipe
from support.tiny_bases import WORDS, tiny_bert, tiny_gpt2, tiny_llama, tiny_opt

BATCH, LENGTH = 16, 60
SIZE = {"hidden": 128, "layers": 4}


def recipe_of(task: str, **changes) -> Recipe:
    settings = {"lora": LoraSettings(r=8, lora_dropout=0.05), **changes}
    training = TrainingSettings(
        max_steps=2, per_device_train_batch_size=BATCH, max_length=100, save_steps=100
    )
    return msgspec.structs.replace(a_recipe("x"), task=task, training=training, **settings)


def rows_of(task: str) -> list[dict]:
    texts = [" ".join(WORDS[(n + k) % 50] for k in range(LENGTH)) for n in range(BATCH)]
    if task == "SEQ_CLS":
        return [{"text": text, "label": str(n % 3)} for n, text in enumerate(texts)]
    return [{"prompt": "", "completion": text} for text in texts]


def both(base: Path, recipe: Recipe, folder: Path) -> tuple[Memory, int]:
    """What is expected, and the most that the allocator gave out while the same was trained.

    Weights in their own type are mapped from their file: the allocator does not hear of them.
    """
    rows = rows_of(recipe.task)
    labels = label_names(rows) if recipe.task == "SEQ_CLS" else []
    examples = encode(
        rows,
        task=recipe.task,
        tokenizer=load_tokenizer(base),
        labels=labels,
        max_length=recipe.training.max_length,
    )
    lengths = sorted((len(one.input_ids) for one in examples), reverse=True)
    heaviest = lengths[: recipe.training.per_device_train_batch_size]
    largest = LargestPass(rows=len(heaviest), tokens=sum(heaviest), longest=heaviest[0])
    expected = memory(
        footprint(base, recipe, labels=len(labels), largest=largest, device="cpu"),
        recipe.training,
    )
    job = SlotJob(
        name="x",
        task=recipe.task,
        lora=recipe.lora,
        training=recipe.training,
        examples=examples,
        labels=labels,
        work_dir=folder / "work",
        out_dir=folder / "out",
        base_name="x",
    )
    with torch.profiler.profile(profile_memory=True) as profile:
        [done] = train([job], base_dir=base, device="cpu", threads=1, log=lambda _: None)
    assert isinstance(done, Trained)
    mapped = 0 if recipe.training.bf16 else expected.weights
    return expected, mapped + _given_out(profile, folder / "trace.json")


def _given_out(profile: torch.profiler.profile, file: Path) -> int:
    profile.export_chrome_trace(str(file))
    events = json.loads(file.read_text())["traceEvents"]
    return max(e["args"]["Total Allocated"] for e in events if e.get("name") == "[memory]")


@pytest.mark.parametrize(
    ("make", "task"),
    [
        (tiny_bert, "SEQ_CLS"),
        (tiny_llama, "CAUSAL_LM"),
        (tiny_llama, "SEQ_CLS"),
        (tiny_gpt2, "CAUSAL_LM"),
        (tiny_opt, "CAUSAL_LM"),
    ],
)
def test_the_peak_is_as_expected(make: Callable[..., Path], task: str, tmp_path: Path) -> None:
    expected, measured = both(make(tmp_path / "base", **SIZE), recipe_of(task), tmp_path)
    assert expected.total == pytest.approx(measured, rel=TOLERANCE)


@pytest.mark.parametrize(
    "changes",
    [
        {"lora": LoraSettings(r=8, use_dora=True, target_modules=["q_proj", "v_proj"])},
        {"training": {"gradient_checkpointing": True}},
        {"training": {"bf16": True}},
        {"training": {"optim": "sgd", "per_device_train_batch_size": 4}},
        {"training": {"optim": "adafactor"}},
        {"training": {"per_device_train_batch_size": 1}},
    ],
    ids=["DoRA", "checkpointing", "bf16", "sgd", "adafactor", "one row"],
)
def test_settings_that_change_the_peak_are_followed(changes: dict, tmp_path: Path) -> None:
    recipe = recipe_of("CAUSAL_LM")
    training = msgspec.structs.replace(recipe.training, **changes.pop("training", {}))
    recipe = msgspec.structs.replace(recipe, training=training, **changes)
    expected, measured = both(tiny_llama(tmp_path / "base", **SIZE), recipe, tmp_path)
    assert expected.total == pytest.approx(measured, rel=TOLERANCE)
