"""The example: a shop's tickets, two adapters' recipes, and two small bases built on the spot.

- `tickets`, `answers`: the data sets. `conversations`: what the bases are pre-trained on.
- `world`: what customers say, out of ``files/world.yaml``; `files` also holds the recipes and the
  preprocessing as they are copied into a project.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from adapterctl.jobs.demo import answers, conversations, tickets
from adapterctl.jobs.demo.files.support_router_prepare import choose
from adapterctl.records.canonical import pretty
from adapterctl.stores.files import write_atomically
from adapterctl.stores.rows import write_rows
from adapterctl.stores.safetensors import identify

SEED = 17
PRETRAINING_TEXTS = 10_000
ADAPTERS = ("support-router", "short-answers")


def write_data(out: Path) -> None:
    """Writes the data sets of both adapters: ``support/`` and ``answers/`` below ``out``."""
    pool = tickets.pool(SEED)
    gold = tickets.gold(SEED, apart_from=pool)
    shadow = tickets.shadow(SEED, apart_from=[*pool, *gold])
    support = {"pool": pool, "train": [pool[n] for n in choose(pool)], "gold": gold}
    for name, rows in {**support, "shadow": shadow}.items():
        write_rows(out / "support" / f"{name}.jsonl", rows)
    asked = answers.train(SEED)
    write_rows(out / "answers" / "train.jsonl", asked)
    write_rows(out / "answers" / "gold.jsonl", answers.gold(SEED, apart_from=asked))


def write_recipe(root: Path, adapter: str) -> None:
    """Copies an adapter's recipe and preprocessing into the registry of a project."""
    home = root / "registry" / "adapters" / adapter
    home.mkdir(parents=True, exist_ok=True)
    sources = {
        "recipe.yaml": f"{adapter}.yaml",
        "prepare.py": f"{adapter.replace('-', '_')}_prepare.py",
    }
    for target, source in sources.items():
        with resources.as_file(resources.files("adapterctl.jobs.demo.files") / source) as path:
            shutil.copyfile(path, home / target)


def write_identities(folders: list[Path]) -> None:
    """Writes each base's identity beside its folder: ``<base>.json``."""
    for folder in folders:
        identity = identify(folder, cache=None, progress=None)
        write_atomically(folder.with_name(f"{folder.name}.json"), pretty(identity))


def make_bases(out: Path, *, progress: Callable[[str, int, int], None]) -> list[Path]:
    """Builds and pre-trains both small bases into ``out``, in about half a minute."""
    from adapterctl.training import small_bases

    texts = conversations.conversations(SEED, rows=PRETRAINING_TEXTS)
    return small_bases.make_bases(out, texts=texts, seed=SEED, progress=progress, threads=1)
