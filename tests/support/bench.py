"""A project for plans: real bases, data and code, and records that nothing was trained for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from adapterctl.records.base import BaseSource
from adapterctl.records.canonical import rows_digest
from adapterctl.records.recipe import LoraSettings, Recipe, TrainingSettings
from adapterctl.records.version import PreparedPin, VersionRecord
from adapterctl.stores.safetensors import identify
from support.families import FAMILIES
from support.projects import PREPARE, TEXTS, rows, write_jsonl
from support.registries import SmallRegistry, a_training
from support.tiny_bases import tiny_bert, tiny_gpt2, tiny_llama

ROUTER = "router"


class Bench(SmallRegistry):
    """A project on ``old-base`` (BERT) with ``new-base`` (Llama) and ``gpt2`` to move to."""

    def fingerprinted(self, name: str, folder: Path) -> None:
        """Declares a base as `bases add` would."""
        found = identify(folder, cache=self.root / ".adapterctl" / "cache")
        self.base(
            name,
            source=BaseSource(path=str(folder)),
            fingerprint=found.fingerprint,
            digests=found.digests,
            family=found.family,
        )

    def routed(self, adapter: str = ROUTER, **changes) -> Recipe:
        """Writes a recipe whose data and preprocessing are there."""
        usual = self.recipe(adapter)
        data = msgspec.structs.replace(
            usual.data,
            train=msgspec.structs.replace(usual.data.train, path="data/train.jsonl"),
        )
        settings = {
            "base": "old-base",
            "data": data,
            "preprocessing": f"registry/adapters/{ROUTER}/prepare.py:prepare",
            "lora": LoraSettings(r=4, target_modules=["query", "key", "value"]),
            "training": TrainingSettings(max_steps=10, max_length=32),
            **changes,
        }
        return self.recipe(adapter, **settings)

    def registered(self, recipe: Recipe, *, prepared: list[dict]) -> VersionRecord:
        """Registers a version that was trained on the ``prepared`` rows."""
        pin = PreparedPin(
            rows=len(prepared), rows_sha256=rows_digest(prepared), encoded_sha256="0" * 64
        )
        base = self.door.base(recipe.base)
        record = self.version(recipe)
        whole = msgspec.structs.replace(
            record,
            base=msgspec.structs.replace(
                record.base,
                source=base.source,
                fingerprint=base.fingerprint or record.base.fingerprint,
            ),
            prepared={"train": pin},
            training=msgspec.structs.replace(
                a_training(recipe.adapter, record.version),
                target_modules=[
                    f"bert.encoder.layer.{layer}.attention.self.{name}"
                    for layer in (0, 1)
                    for name in ("query", "key", "value")
                ],
            ),
        )
        path = self.door.record_path(recipe.adapter, record.version)
        path.write_bytes(msgspec.json.encode(whole))
        return whole


def three_bases(folder: Path) -> Path:
    """Writes ``old`` (BERT), ``new`` (Llama) and ``gpt2``."""
    tiny_bert(folder / "old")
    tiny_llama(folder / "new")
    tiny_gpt2(folder / "gpt2")
    return folder


def make_bench(root: Path, bases: Path) -> Bench:
    """Makes the project, with ``router@1`` registered on ``old-base``."""
    made = Bench(root)
    made.fingerprinted("old-base", bases / "old")
    made.fingerprinted("new-base", bases / "new")
    made.fingerprinted("gpt2", bases / "gpt2")
    home = made.root / "registry" / "adapters" / ROUTER
    home.mkdir(parents=True)
    (home / "prepare.py").write_text(PREPARE)
    (home / "texts.py").write_text(TEXTS)
    write_jsonl(made.root / "data" / "train.jsonl", rows(40, seed=1))
    made.registered(made.routed(), prepared=tidied(rows(40, seed=1)))
    return made


def tidied(raw: list[dict]) -> list[dict]:
    """What the project's ``prepare`` makes of rows."""
    return [{"text": row["message"].strip().lower(), "label": row["queue"]} for row in raw]


def written(folder: Path, family: str, tokenizer: Path, *, headless: bool = False) -> Path:
    import torch
    import transformers

    from adapterctl.training.rows.text import load_tokenizer

    config = transformers.AutoConfig.for_model(family, **FAMILIES[family] | {"vocab_size": 512})
    kind = transformers.AutoModel if headless else transformers.AutoModelForSequenceClassification
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kind.from_config(config).save_pretrained(folder)
    load_tokenizer(tokenizer).save_pretrained(folder)
    return folder
