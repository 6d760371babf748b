"""Small things to train: examples that can be learned, jobs over them, bases without dropout."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import msgspec
import torch

from adapterctl.records.recipe import LoraSettings, TrainingSettings
from adapterctl.training.learning.fleet import train
from adapterctl.training.learning.job import Progress, SlotJob, Trained
from adapterctl.training.learning.taught import Taught, learned_tokens, packed
from adapterctl.training.rows.text import Example

VOCABULARY = 90

_DROPOUTS = {
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "attention_dropout",
    "resid_pdrop",
    "embd_pdrop",
    "attn_pdrop",
}


def classified(rows: int, *, labels: int = 3, seed: int = 0, longest: int = 20) -> list[Example]:
    """Rows of 4 tokens and more, most of which are of the label's kind."""
    draw = random.Random(seed)
    found = []
    for number in range(rows):
        label = number % labels
        kind = [token for token in range(5, VOCABULARY) if token % labels == label]
        length = draw.randrange(4, longest)
        ids = tuple(
            draw.choice(kind) if draw.random() < 0.8 else draw.randrange(5, VOCABULARY)
            for _ in range(length)
        )
        found.append(_example(number, ids, learned=0, label=label))
    return found


def completions(rows: int, *, seed: int = 0, longest: int = 20) -> list[Example]:
    """Rows that count upwards by one or two; all but the first two to four tokens are learned."""
    draw = random.Random(seed)
    found = []
    for number in range(rows):
        first, step = draw.randrange(5, VOCABULARY), draw.choice((1, 2))
        length = draw.randrange(6, longest)
        ids = tuple((first + place * step) % VOCABULARY for place in range(length))
        found.append(_example(number, ids, learned=length - draw.randrange(2, 5), label=None))
    return found


def _example(number: int, ids: tuple[int, ...], *, learned: int, label: int | None) -> Example:
    mask = (0,) * (len(ids) - learned) + (1,) * learned
    return Example(id=str(number), text="", input_ids=ids, loss_mask=mask, label=label)


def a_teacher(rows: int, *, top: int = 5, seed: int = 3, words: int = VOCABULARY) -> Taught:
    """Draws what somebody expects at some positions."""
    draw = torch.Generator().manual_seed(seed)
    every = (3 * torch.randn(rows, words, generator=draw)).log_softmax(-1)
    best = every.topk(top)
    return Taught(ids=best.indices, log_probabilities=best.values)


def taught(examples: list[Example], *, seed: int = 3) -> list[Example]:
    """The same rows with what some teacher expects at their learned tokens."""
    return [
        msgspec.structs.replace(
            example, taught=packed(a_teacher(learned_tokens(example), seed=seed + number))
        )
        for number, example in enumerate(examples)
    ]


def job(
    folder: Path,
    examples: list[Example],
    *,
    name: str = "one",
    lora: dict[str, Any] | None = None,
    initial_weights: Path | None = None,
    **training: Any,
) -> SlotJob:
    """A SEQ_CLS job when the examples have labels, else CAUSAL_LM; short unless told otherwise."""
    labels = sorted({example.label for example in examples if example.label is not None})
    return SlotJob(
        name=name,
        task="SEQ_CLS" if labels else "CAUSAL_LM",
        lora=LoraSettings(**{"r": 4, "lora_alpha": 8, "lora_dropout": 0.1, **(lora or {})}),
        training=TrainingSettings(
            **{
                "max_steps": 6,
                "learning_rate": 1e-2,
                "per_device_train_batch_size": 8,
                "logging_steps": 2,
                "save_steps": 1000,
                "seed": 11,
                **training,
            }
        ),
        examples=examples,
        labels=[f"label {number}" for number in labels],
        work_dir=folder / name / "work",
        out_dir=folder / name / "adapter",
        base_name="someone/base",
        base_revision="0123abcd",
        initial_weights=initial_weights,
    )


def unheard(_: Progress) -> None:
    """Hears of progress and does nothing."""


def train_all(jobs: list[SlotJob], base_dir: Path, **settings: Any) -> list[Trained]:
    """Trains on one thread (on tiny bases more only wait for each other); all must come through."""
    given = {"device": "cpu", "log": unheard, "threads": 1, **settings}
    results = train(jobs, base_dir=base_dir, **given)
    for result in results:
        assert isinstance(result, Trained), result
    return results


def adapter_bytes(result: Trained) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(result.adapter.iterdir())}


def without_dropout(base_dir: Path, copy: Path) -> Path:
    """A copy of a base whose config sets every dropout to 0."""
    return with_dropout(base_dir, copy, share=0.0)


def with_dropout(base_dir: Path, copy: Path, *, share: float) -> Path:
    shutil.copytree(base_dir, copy)
    config = json.loads((copy / "config.json").read_text())
    config.update(dict.fromkeys(_DROPOUTS & config.keys(), share))
    (copy / "config.json").write_text(json.dumps(config))
    return copy
