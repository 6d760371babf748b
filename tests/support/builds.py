"""Adapters to build on a tiny base, without a project around them."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapterctl.jobs.building import Build, Built
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.project import Display, Project, Quiet
from adapterctl.records.base import BaseSource
from adapterctl.records.recipe import LoraSettings, TrainingSettings
from adapterctl.records.version import BasePin
from adapterctl.stores.safetensors import identify, weights_digest
from support.recipes import classifier

WORDS = "refund invoice parcel late code password card box reset".split()


def surroundings(root: Path, display: Display | None = None) -> Project:
    return Project(root=root, now=datetime(2026, 11, 23, tzinfo=UTC), display=display or Quiet())


def build(
    folder: Path,
    base: Path,
    name: str,
    *,
    display: Display | None = None,
    lora: dict[str, Any] | None = None,
    **training: Any,
) -> Build:
    """Returns a build of twelve steps on 48 rows; its name decides its rows and its seed."""
    seed = sum(map(ord, name))
    found = identify(base, cache=None, progress=lambda *_: None)
    rows = {"train": _rows(48, seed=seed), "gold": _rows(6, seed=seed + 1)}
    recipe = classifier(
        adapter=name,
        lora=LoraSettings(**{"r": 4, "lora_alpha": 8, "lora_dropout": 0.1, **(lora or {})}),
        training=TrainingSettings(
            **{"max_steps": 12, "learning_rate": 5e-3, "save_steps": 4, "seed": seed, **training}
        ),
    )
    sources = Sources(
        recipe=recipe,
        base=BasePin(
            base="old-base",
            source=BaseSource(path=str(base)),
            fingerprint=found.fingerprint,
            digests=found.digests,
        ),
        base_dir=base,
        code=(),
        rows=rows,
        labels=("billing", "delivery"),
    )
    place = surroundings(folder, display)
    return Build(
        name=f"{name}@1",
        place=place,
        sources=sources,
        work=folder / name,
        device="cpu",
        threads=1,
    )


def bytes_of(built: object) -> str:
    """Returns the digest of the weights of a build that came through."""
    assert isinstance(built, Built), built
    return weights_digest(built.folder / "adapter_model.safetensors")


def _rows(count: int, *, seed: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [
        {"text": " ".join(draw.choices(WORDS, k=5)), "label": ("billing", "delivery")[number % 2]}
        for number in range(count)
    ]
