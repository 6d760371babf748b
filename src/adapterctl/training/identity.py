"""What decides an adapter's bytes, as one key: a checkpoint serves the job it was made by only."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from adapterctl.records.canonical import digest
from adapterctl.training.learning.job import SlotJob
from adapterctl.training.rows.text import encoded_digest

_LIBRARIES = ("peft", "torch", "transformers")


def job_key(job: SlotJob, *, base_dir: Path, device: str, threads: int) -> str:
    """Returns 16 hexadecimal digits over all that decides what a job trains.

    The base goes in by its config and by the names and sizes of its weights files: whether its
    weights are the pinned ones is checked by whoever calls the trainer.
    """
    weights = sorted((file.name, file.stat().st_size) for file in base_dir.glob("*.safetensors"))
    return digest(
        {
            "task": job.task,
            "lora": job.lora,
            "training": job.training,
            "examples": encoded_digest(job.examples),
            "labels": list(job.labels),
            "padded": job.padded,
            "arithmetic": job.arithmetic,
            "initial_weights": _sha256(job.initial_weights) if job.initial_weights else None,
            "base": [_sha256(base_dir / "config.json"), weights],
            **({"held": encoded_digest(job.held)} if job.held else {}),
            "device": device,
            "threads": threads,
            "libraries": {name: version(name) for name in _LIBRARIES},
        }
    )[:16]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
