"""Trains a few small adapters in a process of its own: ``BERT LLAMA FOLDER``.

Says each step on stdout as it is taken, so that a test can kill it in the middle; after that, the
digest of every file written.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from adapterctl.training.learning.fleet import train
from adapterctl.training.learning.job import Progress, Trained
from support.training_jobs import classified, completions, job


def main(bert: Path, llama: Path, folder: Path) -> None:
    often = {"save_steps": 2, "max_steps": 8, "per_device_train_batch_size": 12}
    on_bert = [
        job(folder, classified(30), name="classifier", **often),
        job(folder, classified(30), name="dora", lora={"use_dora": True}, **often),
    ]
    on_llama = [job(folder, completions(30), name="completer", **often)]
    for base, jobs in ((bert, on_bert), (llama, on_llama)):
        for result in train(jobs, base_dir=base, device="cpu", log=tell):
            assert isinstance(result, Trained), result
            for file in sorted(result.adapter.iterdir()):
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                say("wrote", result.name, file.name, digest)
            say("trail", result.name, result.facts.trail_sha256)


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def tell(progress: Progress) -> None:
    say("step", progress.slot, str(progress.step))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
