"""The adapters that a fleet's makespan is measured on with a GPU, and how each way trains them.

Run as ``python -m benchmarks.gpu_fleet_work WAY SHAPE BASE DEVICE ROWS NUMBER...``, it does one
way's share in a process of its own: ``script`` one adapter as a team's script would, ``fleet`` all
of them in one run of ours. Every adapter is trained, written, and asked how likely it finds rows
that it has not seen.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterctl.__main__ import collect_rarely
from adapterctl.training.rows.text import Example
from benchmarks.fleet_work import BATCHES, GOLD, RANKS, ROWS, came_of
from benchmarks.gpu_shapes import SHAPES, Work, drawn

LONGEST = (512, 64, 256, 128)
"""Most tokens of a row, for each adapter in turn."""


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One adapter's work, and the rows that it is asked."""

    work: Work
    gold: list[Example]


def adapter(number: int, shape: str, base: Path, *, device: str, rows: int = ROWS) -> Adapter:
    """Returns the adapter of a number: rows of between an eighth and all of its most tokens."""
    draw, of = random.Random(number), SHAPES[shape]
    longest = min(LONGEST[number % 4], of.longest)

    def made(count: int) -> list[Example]:
        lengths = [draw.randint(max(3, longest // 8), longest) for _ in range(count)]
        return drawn(lengths, of, draw)

    work = Work(
        name=f"adapter-{number}",
        shape=of,
        folder=base,
        examples=made(rows),
        batch=BATCHES[number % 4],
        warm=0,
        device=device,
        rank=RANKS[number % 4],
    )
    return Adapter(work=work, gold=made(max(2, GOLD * rows // ROWS)))


def main(arguments: Sequence[str]) -> int:
    """Does one way's share and says on stdout, as JSON, what came of it."""
    way, shape, base, device, rows, *numbers = arguments
    each = [
        adapter(int(number), shape, Path(base), device=device, rows=int(rows)) for number in numbers
    ]
    if way == "fleet":
        # As the program does.
        collect_rarely()
    with tempfile.TemporaryDirectory(prefix="gpu-fleet-") as folder:
        answer = {"script": script, "fleet": fleet}[way](each, Path(folder))
    print(json.dumps(answer))
    return 0


def script(adapters: list[Adapter], folder: Path) -> dict[str, Any]:
    """Trains one adapter with ``transformers.Trainer`` and PEFT, and asks it."""
    from transformers import Trainer, TrainingArguments

    from benchmarks.gpu_ways import adapted, as_row, by_length, collated, shared

    [own] = adapters
    arguments = TrainingArguments(
        **shared(own.work, folder),
        **by_length(TrainingArguments),
        per_device_eval_batch_size=own.work.batch,
        prediction_loss_only=True,
        remove_unused_columns=False,
    )
    learner = Trainer(
        model=adapted(own.work),
        args=arguments,
        train_dataset=[as_row(row.input_ids) for row in own.work.examples],
        eval_dataset=[as_row(row.input_ids) for row in own.gold],
        data_collator=collated,
    )
    loss = learner.train().training_loss
    learner.save_model(str(folder / "adapter"))
    return {"losses": [loss], "asked": [learner.evaluate()["eval_loss"]]}


def fleet(adapters: list[Adapter], folder: Path) -> dict[str, Any]:
    """Trains adapters in one run, and asks all of them on one loaded base."""
    from adapterctl.training.learning.fleet import train
    from adapterctl.training.loading import load_base

    work = adapters[0].work
    jobs = [_job(own, folder / own.work.name) for own in adapters]
    sizes: list[float] = []
    results = train(
        jobs,
        base_dir=work.folder,
        device=work.device,
        log=lambda _: sizes.append(_held_gib(work.device)),
    )
    learned = came_of(results)
    loaded = load_base(work.folder, task="CAUSAL_LM", head_seed=0, device=work.device)
    asked = [
        _asked(own, loaded, result.adapter) for own, result in zip(adapters, results, strict=True)
    ]
    return {"held_gib": max(sizes), "asked": asked, **learned}


def _job(own: Adapter, folder: Path) -> Any:
    from adapterctl.training.learning.job import SlotJob

    return SlotJob(
        name=own.work.name,
        task="CAUSAL_LM",
        lora=own.work.lora,
        training=own.work.training,
        examples=own.work.examples,
        labels=[],
        work_dir=folder / "work",
        out_dir=folder / "adapter",
        base_name=own.work.shape.name,
    )


def _asked(own: Adapter, base: Any, folder: Path) -> float:
    """Returns how unlikely an adapter finds its gold rows: nats per token."""
    from adapterctl.training.adapted import adapted
    from adapterctl.training.asking.likelihood import likelihoods
    from adapterctl.training.learning.batches import unseen

    with adapted(base, folder):
        nats = likelihoods(base, own.gold, batch_size=own.work.batch, progress=unseen)
    return sum(nats) / sum(len(row.input_ids) - 1 for row in own.gold)


def _held_gib(device: str) -> float:
    """Returns how much of the GPU is held after a step; 0 on the CPU."""
    import torch

    return torch.cuda.memory_allocated() / 2**30 if device == "cuda" else 0.0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
