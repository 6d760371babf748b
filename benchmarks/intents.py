"""A project with one adapter that tells what a bank's customer wants: banking77, real messages.

The data are Casanueva et al. 2020 (CC-BY-4.0) as PolyAI publishes them. Every step is a command
line of adapterctl, run in this process; answers come from its JSON.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from adapterctl.cli import run
from benchmarks import machine

ADAPTER = "banking-intents"
OLD, MINILM = "small-bert", "minilm-l6"
HOME = f"registry/adapters/{ADAPTER}"
DAYS_LEFT = 43
LEAD_DAYS = 60

PREPARE = '''\
"""Customer messages as the bank collected them: white space is put in order, nothing else."""


def prepare(rows):
    return [{"text": " ".join(row["text"].split()), "label": row["category"]} for row in rows]
'''

RECIPE = """\
schema_version: 1
adapter: {adapter}
purpose: Tells what a bank's customer wants, one of {intents} intents
owners: {{team: support-ml, backup: platform-ml}}
base: {base}
serving: [{{provider: self-hosted, region: eu, consumers: [helpdesk]}}]
task: SEQ_CLS
data:
  train: {{path: data/train.csv}}
  evaluation:
    gold: {{path: data/gold.csv, metrics: [accuracy, f1_macro]}}
preprocessing: {home}/prepare.py:prepare
lora: {{r: 16, lora_alpha: 32, target_modules: [query, key, value, dense]}}
training:
  num_train_epochs: {epochs}
  per_device_train_batch_size: {batch}
  per_device_eval_batch_size: 64
  learning_rate: {learning_rate}
  lr_scheduler_type: linear
  max_length: {max_length}
  seed: 17
parity:
  gold: {{accuracy: {{margin: 0.02}}, f1_macro: {{margin: 0.02}}}}
  negative_flips: {flips}
"""

Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the recipe leaves to choose between the full run and a short one."""

    epochs: int = 4
    batch: int = 32
    max_length: int = 64
    learning_rate: float = 1e-3
    flips: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Messages:
    """Labelled messages to train on and to be judged on; ``what`` says which of all they are."""

    train: list[Row]
    gold: list[Row]
    what: str

    @property
    def intents(self) -> list[str]:
        """The intents, sorted."""
        return sorted({row["category"] for row in self.train})

    @property
    def facts(self) -> dict[str, Any]:
        """Counts; ``gold_rows_also_in_train`` up to case and white space."""
        seen = {_folded(row) for row in self.train}
        return {
            "what": self.what,
            "train_rows": len(self.train),
            "gold_rows": len(self.gold),
            "intents": len(self.intents),
            "gold_rows_also_in_train": sum(_folded(row) in seen for row in self.gold),
        }


def read(corpus: Path) -> Messages:
    """Returns all 10,003 training and 3,080 test messages."""
    folder = corpus / "datasets" / "banking77" / "banking_data"
    train, gold = (_rows(folder / name) for name in ("train.csv", "test.csv"))
    return Messages(train=train, gold=gold, what="all of banking77")


def subset(messages: Messages, *, intents: int, train: int, gold: int) -> Messages:
    """Returns messages of evenly spaced intents, as many of each as fit the numbers asked for."""
    names = messages.intents
    kept = [names[number * len(names) // intents] for number in range(intents)]
    return Messages(
        train=_even(messages.train, kept, train // intents),
        gold=_even(messages.gold, kept, gold // intents),
        what=f"a subset: the first {train // intents} training and {gold // intents} test "
        f"messages of every {len(names) // intents}th of {len(names)} intents",
    )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One command: its exit status, its JSON answer, and what it took.

    Attributes:
        seconds: wall-clock time.
        cpu_seconds: processor time, children's included.
        load: how many processes wanted a core in the last minute of it, on average.
    """

    name: str
    status: int
    answer: dict[str, Any]
    seconds: float
    cpu_seconds: float
    load: float

    @property
    def result(self) -> dict[str, Any]:
        """The first result of the answer."""
        first: dict[str, Any] = self.answer["results"][0]
        return first


def make_project(folder: Path, messages: Messages, settings: Settings, *, minilm: Path) -> Path:
    """Makes the project, with both bases declared; the old one lies in ``folder/small-bert``."""
    root = folder / "project"
    _must("init", str(root))
    command(root, "bases", "add", OLD, "--path", str(folder / "small-bert"))
    command(root, "bases", "add", MINILM, "--path", str(minilm))
    _write_rows(root / "data" / "train.csv", messages.train)
    _write_rows(root / "data" / "gold.csv", messages.gold)
    home = root / HOME
    home.mkdir(parents=True)
    (home / "prepare.py").write_text(PREPARE, encoding="utf-8")
    recipe = RECIPE.format(
        adapter=ADAPTER,
        base=OLD,
        home=HOME,
        intents=len(messages.intents),
        epochs=settings.epochs,
        batch=settings.batch,
        max_length=settings.max_length,
        learning_rate=settings.learning_rate,
        flips=settings.flips,
    )
    (home / "recipe.yaml").write_text(recipe, encoding="utf-8")
    _commit(root)
    return root


def command(root: Path, *words: str) -> dict[str, Any]:
    """Runs one command line that must succeed and returns its answer."""
    return _must("--project", str(root), *words)


def register(root: Path) -> Stage:
    """Trains the adapter on the old base, registers it and makes it champion."""
    stage = timed(root, "register", f"{HOME}/recipe.yaml", expected=(0,))
    command(root, "promote", f"{ADAPTER}@1")
    return stage


def announce(root: Path, today: date) -> None:
    """Records that the old base shuts down in 43 days and that MiniLM succeeds it."""
    words = ["lifecycle", "add", OLD, "--phase", "serving", "--successor", MINILM]
    words += ["--shutdown", (today + timedelta(days=DAYS_LEFT)).isoformat()]
    command(root, *words, "--source", "https://example.invalid/deprecations")


def audit(root: Path, today: date) -> Stage:
    """Audits the project as of ``today``; a finding that counts against exits 1."""
    return timed(root, "audit", "--offline", "--as-of", today.isoformat(), expected=(0, 1))


def rebuild(root: Path) -> Stage:
    """Rebuilds the adapter on MiniLM; a verdict other than PASS exits 1."""
    return timed(root, "rebuild", f"{ADAPTER}@1", "--to", MINILM, expected=(0, 1))


def reproduce(root: Path) -> Stage:
    """Trains the version on MiniLM again, from an empty cache in a clean process."""
    return timed(root, "reproduce", f"{ADAPTER}@2", expected=(0, 1))


def timed(root: Path, *words: str, expected: Sequence[int]) -> Stage:
    """Runs one command for its JSON answer, with its times.

    Raises:
        RuntimeError: an exit status that is not expected.
    """
    started, spent = time.perf_counter(), machine.cpu_seconds()
    status, text = _run("--project", str(root), *words, "--format", "json")
    seconds, cpu = time.perf_counter() - started, machine.cpu_seconds() - spent
    if status not in expected:
        raise RuntimeError(f"adapterctl {' '.join(words)} exited {status}")
    return Stage(
        name=words[0],
        status=status,
        answer=json.loads(text),
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu, 1),
        load=machine.load(),
    )


def _run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = run(words)
    return status, out.getvalue()


def _must(*words: str) -> dict[str, Any]:
    status, text = _run(*words)
    if status != 0:
        raise RuntimeError(f"adapterctl {' '.join(words)} exited {status}")
    return json.loads(text) if "json" in words else {}


def _commit(root: Path) -> None:
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid")
    for words in (("add", "-A", "registry", "params.yaml"), ("commit", "-qm", "One adapter")):
        subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write_rows(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "category"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _even(rows: Sequence[Row], intents: Sequence[str], each: int) -> list[Row]:
    return [
        row
        for intent in intents
        for row in [row for row in rows if row["category"] == intent][:each]
    ]


def _folded(row: Row) -> str:
    return " ".join(row["text"].split()).casefold()
