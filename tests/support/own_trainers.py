"""A project whose adapter is trained by a command of the team's own, and such commands."""

from __future__ import annotations

import random
from pathlib import Path

from adapterctl.cli import run
from support.projects import command, git, write_jsonl
from support.tiny_bases import tiny_llama, tiny_opt

HOME = "registry/adapters/capitals"
RECIPE = f"{HOME}/recipe.yaml"

PREPARE = """\
def prepare(rows):
    return [{"prompt": row["ask"], "completion": " " + row["say"]} for row in rows]
"""

TEXT = """\
schema_version: 1
adapter: capitals
purpose: Answers in one word
owners: {team: support-ml, backup: platform-ml}
base: old-base
serving: [{provider: self-hosted}]
task: CAUSAL_LM
data:
  train: {path: data/train.jsonl}
  evaluation:
    gold: {path: data/gold.jsonl, metrics: [exact_match]}
preprocessing: registry/adapters/capitals/prepare.py:prepare
lora: {r: 4, lora_alpha: 8, target_modules: [q_proj, v_proj, fc1, fc2]}
training:
  {max_steps: 6, per_device_train_batch_size: 4, learning_rate: 5e-3, max_length: 32, seed: 7}
generation: {max_new_tokens: 2}
parity: {gold: {exact_match: {margin: 0.9}}, negative_flips: 1.0}
"""

BY_COMMAND = "trainer: {command: 'python train.py --recipe {recipe}'}\n"

STAND_IN = '''\
"""Draws an adapter from the seed instead of training one: it needs no torch, and takes a moment."""

import argparse
import json

import numpy
from safetensors import safe_open
from safetensors.numpy import save_file

from parts.shapes import shape_of

arguments = argparse.ArgumentParser()
arguments.add_argument("--recipe", required=True)
told = json.load(open(arguments.parse_args().recipe))
lora, paths = told["recipe"]["lora"], told["paths"]
rng = numpy.random.default_rng(told["recipe"]["training"]["seed"])
tensors = {}
with safe_open(paths["base"] + "/model.safetensors", "np") as base:
    for name in told["target_modules"]:
        rows, columns = shape_of(base, name)
        for part, shape in {"A": (lora["r"], columns), "B": (rows, lora["r"])}.items():
            drawn = rng.standard_normal(shape).astype("float32")
            tensors[f"base_model.model.{name}.lora_{part}.weight"] = drawn
save_file(tensors, paths["out"] + "/adapter_model.safetensors")
config = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": paths["base"],
    "r": lora["r"],
    "lora_alpha": lora["lora_alpha"],
    "target_modules": lora["target_modules"],
}
json.dump(config, open(paths["out"] + "/adapter_config.json", "w"))
print(len(open(paths["data"]).readlines()), "rows seen")
'''

SHAPES = """\
def shape_of(base, name):
    return base.get_slice(name + ".weight").get_shape()
"""

WORDS = ["city", "country", "sky", "card", "money", "account", "question", "answer"]
COLOURS = ["blue", "red", "green", "one", "two"]


def rows(count: int, *, seed: int) -> list[dict[str, object]]:
    """Returns questions with one-word answers."""
    rng = random.Random(seed)
    return [
        {
            "id": f"q{seed}-{number}",
            "ask": f"what is the {rng.choice(WORDS)} of {rng.choice(WORDS)} {number} {seed}",
            "say": rng.choice(COLOURS),
        }
        for number in range(count)
    ]


def make_trainer_project(folder: Path, *, trainer: str = BY_COMMAND) -> Path:
    """Makes a project with everything declared and committed, and nothing registered.

    Its old base is an OPT, its new one a Llama: other module names, another width.
    """
    root = folder / "project"
    assert run(["init", str(root)]) == 0
    tiny_opt(folder / "bases" / "old")
    tiny_llama(folder / "bases" / "new", hidden=64)
    assert command(root, "bases", "add", "old-base", "--path", str(folder / "bases" / "old")) == 0
    assert command(root, "bases", "add", "new-base", "--path", str(folder / "bases" / "new")) == 0
    write_jsonl(root / "data" / "train.jsonl", rows(24, seed=1))
    write_jsonl(root / "data" / "gold.jsonl", rows(20, seed=2))
    (root / HOME).mkdir(parents=True)
    (root / HOME / "prepare.py").write_text(PREPARE)
    (root / RECIPE).write_text(TEXT + trainer)
    (root / "train.py").write_text(STAND_IN)
    (root / "parts").mkdir()
    (root / "parts" / "shapes.py").write_text(SHAPES)
    commit_all(root)
    return root


def commit_all(root: Path) -> None:
    """Commits the working tree but for what git ignores and data that DVC does not keep yet."""
    git(root, "add", "-A", "--", ".", ":!data")
    git(root, "commit", "-qm", "as it stands", "--allow-empty")
