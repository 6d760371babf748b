"""A real project in a folder: DVC with a local remote, git, two tiny bases, one adapter."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

from adapterctl.cli import run
from support.tiny_bases import tiny_bert, tiny_llama

TOPICS = {
    "billing": ["invoice", "charge", "refund", "payment", "card", "fee"],
    "delivery": ["parcel", "courier", "late", "address", "tracking", "box"],
    "login": ["password", "account", "code", "email", "locked", "reset"],
}
FILLER = "please help me with my order today i have been waiting it does not work thanks".split()

PREPARE = '''\
"""Lower-cases what customers write."""

from registry.adapters.router.texts import tidy


def prepare(rows):
    return [{"text": tidy(row["message"]), "label": row["queue"]} for row in rows]


def choose(pool):
    return [number for number, row in enumerate(pool) if row["checked"]]
'''
TEXTS = """\
def tidy(text):
    return text.strip().lower()
"""
RECIPE = """\
schema_version: 1
adapter: router
purpose: Routes messages to queues
owners: {team: support-ml, backup: platform-ml}   # who answers for it
base: old-base
serving: [{provider: self-hosted, region: eu, consumers: [helpdesk]}]
task: SEQ_CLS
data:
  train:
    path: data/train.jsonl
    selection: {pool: data/pool.jsonl, rule: "registry/adapters/router/prepare.py:choose"}
  evaluation:
    gold: {path: data/gold.jsonl, metrics: [accuracy, f1_macro]}
preprocessing: registry/adapters/router/prepare.py:prepare
lora: {r: 4, lora_alpha: 8, lora_dropout: 0.05, target_modules: all-linear}
training:
  max_steps: 12
  per_device_train_batch_size: 8
  learning_rate: 5e-3   # found by hand
  max_length: 32
  logging_steps: 3
  save_steps: 4
  seed: 7
parity: {gold: {accuracy: {margin: 0.5}, f1_macro: {margin: 0.9}}, negative_flips: 1.0}
"""


def rows(count: int, *, seed: int) -> list[dict[str, object]]:
    """Returns messages whose queue shows in a word or two."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        queue = rng.choice(sorted(TOPICS))
        words = rng.sample(FILLER, 6) + rng.sample(TOPICS[queue], 2)
        rng.shuffle(words)
        text = " ".join(words).capitalize()
        made.append(
            {"id": f"r{seed}-{number}", "message": text, "queue": queue, "checked": number % 3 > 0}
        )
    return made


def write_jsonl(path: Path, content: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in content))


def command(root: Path, *words: str) -> int:
    """Runs one command line in the project, in this process."""
    return run(["--project", str(root), *words])


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def edit(path: Path, before: str, after: str, *, count: int = -1) -> None:
    """Replaces a text in a file, in which it must stand."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, count))


def commit(root: Path) -> None:
    """Commits the registry as it stands, and pushes it where there is a remote."""
    git(root, "add", "registry")
    git(root, "commit", "-qm", "as it stands", "--allow-empty")
    remotes = subprocess.run(["git", "-C", str(root), "remote"], check=True, capture_output=True)
    if remotes.stdout:
        git(root, "push", "-qf", "origin", "HEAD:refs/heads/pushed")


def copied(root: Path, folder: Path) -> Path:
    """Copies a project and its DVC remote into ``folder``; the bases stay where they are."""
    copy, remote = folder / "project", folder / "project-storage"
    shutil.copytree(root, copy, symlinks=True)
    shutil.copytree(root.parent / "project-storage", remote)
    config = copy / ".dvc" / "config"
    before = config.read_text()
    config.write_text(re.sub(r"(?m)^(\s*url = ).*$", rf"\g<1>{remote}", before))
    assert config.read_text() != before
    return copy


def object_path(root: Path, md5: str) -> Path:
    """Returns where the project's remote keeps an object."""
    return root.parent / "project-storage" / "files" / "md5" / md5[:2] / md5[2:]


def md5_in_artifact(root: Path, md5: str, name: str) -> str:
    """Returns the md5 of the file of such a name in an artifact of the project's remote."""
    listing = json.loads(object_path(root, md5).read_text())
    [found] = [each["md5"] for each in listing if each["relpath"].endswith(name)]
    return found


def make_project(folder: Path) -> Path:
    """Makes a project with everything declared and committed, and nothing registered."""
    root = folder / "project"
    assert run(["init", str(root)]) == 0
    tiny_bert(folder / "bases" / "old")
    tiny_llama(folder / "bases" / "new")
    assert command(root, "bases", "add", "old-base", "--path", str(folder / "bases" / "old")) == 0
    assert command(root, "bases", "add", "new-base", "--path", str(folder / "bases" / "new")) == 0
    pool = rows(120, seed=1)
    write_jsonl(root / "data" / "pool.jsonl", pool)
    write_jsonl(root / "data" / "train.jsonl", [row for row in pool if row["checked"]])
    write_jsonl(root / "data" / "gold.jsonl", rows(60, seed=2))
    home = root / "registry" / "adapters" / "router"
    home.mkdir(parents=True)
    (home / "prepare.py").write_text(PREPARE)
    (home / "texts.py").write_text(TEXTS)
    (home / "recipe.yaml").write_text(RECIPE)
    git(root, "add", "registry", "params.yaml", "dvc.yaml", ".gitattributes", ".gitignore")
    git(root, "commit", "-qm", "A router")
    return root
