"""Training over several processes, where a base is too large for one GPU: through ``torchrun``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.building import Build, follow
from adapterctl.stores.processes import Ended, stream

if TYPE_CHECKING:
    from adapterctl.training.learning.job import SlotJob, Trained

_SHOWN = 3


def train_in_shards(build: Build, slot: SlotJob, *, shards: int) -> Trained:
    """Trains one job on a base that is spread over ``shards`` processes.

    Raises:
        InvalidInput: there are fewer GPUs, or the trainer refuses the job.
        AdapterctlError: a process ended without saying why.
    """
    from adapterctl.training.determinism import cores, resolve_device
    from adapterctl.training.sharded import Task, hand_over, outcome

    device = resolve_device(build.device)
    _check_gpus(device, shards)
    place = build.work / "shards"
    task = Task(
        job=slot,
        base_dir=build.sources.base_dir.absolute(),
        device=device,
        threads=build.threads or cores(),
        trust_remote_code=build.sources.recipe.trust_remote_code,
        parent=os.getpid(),
        result=place / "result.json",
    )
    words = hand_over(task, place / "task.json", shards=shards)
    log = place / "log.txt"
    ended = _run(build, words, log=log, threads=task.threads)
    try:
        return outcome(task)
    except FileNotFoundError:
        raise _silent(ended, build, log=log) from None


def _run(build: Build, words: list[str], *, log: Path, threads: int) -> Ended:
    from adapterctl.training.learning.job import Progress
    from adapterctl.training.sharded import STEP

    tell = follow(build.place)

    def said(line: str) -> None:
        if line.startswith(STEP):
            tell(msgspec.json.decode(line.removeprefix(STEP), type=Progress))

    log.unlink(missing_ok=True)
    # Without it torchrun says one, and says so at length.
    variables = {"OMP_NUM_THREADS": str(threads)}
    return stream(words, root=log.parent, variables=variables, log=log, said=said)


def _check_gpus(device: str, shards: int) -> None:
    from adapterctl.training.determinism import gpus

    if device != "cpu" and gpus() < shards:
        raise InvalidInput.one(
            f"{shards} processes, and torch sees {gpus()} GPUs",
            place="shards",
            hint="one process has one GPU: lower it, or train where there are as many",
        )


def _silent(ended: Ended, build: Build, *, log: Path) -> AdapterctlError:
    said = "" if build.sources.recipe.data.train.sensitive else "\n".join(ended.tail[-_SHOWN:])
    return AdapterctlError(
        f"the processes that share the base ended with status {ended.status}"
        + (f"; their last words:\n{said}" if said else ""),
        place=build.name,
        hint=f"all they said is in {log}; run it again: it resumes",
    )
