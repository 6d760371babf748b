"""Training on a base that no single GPU holds: this module is what ``torchrun`` starts.

Each process reads the same task, joins the others and calls the trainer; the first one writes the
adapter, the checkpoints and the result. On a GPU each process has one; on the CPU they talk by
gloo.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import torch

from adapterctl.errors import AdapterctlError, InvalidInput, Problem
from adapterctl.records.version import TrailStep, TrainingFacts
from adapterctl.training.learning.fleet import train
from adapterctl.training.learning.job import Failed, Progress, SlotJob, Trained
from adapterctl.training.learning.ranks import Ranks

STEP = "adapterctl step "
"""What a line of the first process begins with that tells of a step, as JSON."""

_PATIENCE = timedelta(hours=1)
"""So long a process waits for the others: one of them may still be reading the base."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is trained, on what, by whom.

    Attributes:
        parent: the process that asked for it: when it is gone, so are these.
        result: file that the first process writes.
    """

    job: SlotJob
    base_dir: Path
    device: str
    threads: int
    trust_remote_code: bool
    parent: int
    result: Path


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result: facts and trail, or what went wrong."""

    facts: TrainingFacts | None = None
    trail: Sequence[TrailStep] = ()
    held_loss: float | None = None
    problems: Sequence[Problem] = ()


def hand_over(task: Task, file: Path, *, shards: int) -> list[str]:
    """Writes a task; returns the words that run it, ``torchrun``'s own by its module."""
    file.parent.mkdir(parents=True, exist_ok=True)
    task.result.unlink(missing_ok=True)
    file.write_bytes(msgspec.json.encode(task, enc_hook=str))
    module = "adapterctl.training.sharded"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*launch, "--nproc-per-node", str(shards), "-m", module, str(file)]


def outcome(task: Task) -> Trained:
    """Returns what the processes have trained.

    Raises:
        AdapterctlError: what they said went wrong.
        FileNotFoundError: they ended without a word.
    """
    found = msgspec.json.decode(task.result.read_bytes(), type=Outcome)
    if found.facts is None:
        raise InvalidInput(list(found.problems))
    return Trained(
        name=task.job.name,
        adapter=task.job.out_dir,
        trail=list(found.trail),
        facts=found.facts,
        held_loss=found.held_loss,
    )


def main(file: str) -> int:
    """Trains one task together with the other processes; 1 when it did not come through."""
    task = msgspec.json.decode(Path(file).read_bytes(), type=Task, dec_hook=_decoded)
    ranks, device = _join(task.device)
    try:
        found = _train(task, ranks, device=device)
    finally:
        torch.distributed.destroy_process_group()
    if ranks.leads:
        partial = task.result.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(found))
        partial.replace(task.result)
    for problem in found.problems:
        sys.stderr.write(f"{problem}\n")
    return int(found.facts is None)


def _train(task: Task, ranks: Ranks, *, device: str) -> Outcome:
    job = task.job
    if not ranks.leads:
        job = replace(job, out_dir=job.work_dir / f"rank-{ranks.number}" / "adapter")
    try:
        [result] = train(
            [job],
            base_dir=task.base_dir,
            device=device,
            threads=task.threads,
            trust_remote_code=task.trust_remote_code,
            log=lambda step: _tell(step, ranks, parent=task.parent),
            ranks=ranks,
        )
    except AdapterctlError as error:
        return Outcome(problems=error.problems)
    if isinstance(result, Failed):
        return Outcome(problems=result.error.problems)
    return Outcome(facts=result.facts, trail=result.trail, held_loss=result.held_loss)


def _join(device: str) -> tuple[Ranks, str]:
    """Meets the other processes; returns this one's place and device."""
    number, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    own = "cpu" if device == "cpu" else f"cuda:{os.environ['LOCAL_RANK']}"
    if own != "cpu":
        from adapterctl.training.determinism import resolve_device

        resolve_device("cuda")
        torch.cuda.set_device(own)
    backend = "gloo" if own == "cpu" else "nccl"
    torch.distributed.init_process_group(backend, timeout=_PATIENCE)
    return Ranks(number=number, size=size, device=own), own


def _tell(step: Progress, ranks: Ranks, *, parent: int) -> None:
    """Tells of a step, and ends where nobody is left to hear of it."""
    if not _is_alive(parent):
        raise SystemExit("the process that asked for this training is gone")
    if ranks.leads:
        sys.stdout.write(f"{STEP}{msgspec.json.encode(step).decode()}\n")
        sys.stdout.flush()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _decoded(kind: type[Any], given: Any) -> Any:
    return kind(given) if issubclass(kind, Path) else given


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
