"""Training through a team's own command: run in its pinned code, its adapter taken over."""

from __future__ import annotations

import shlex
import threading
from dataclasses import dataclass
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.inputs.pinning import code_digest
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.project import Project
from adapterctl.jobs.trainers.inputs import Handed, hand_over
from adapterctl.jobs.trainers.output import taken
from adapterctl.records.canonical import digest, pretty
from adapterctl.records.noun import Noun
from adapterctl.records.reading import read_json
from adapterctl.records.recipe import Command
from adapterctl.records.version import TrainingFacts
from adapterctl.rules.recipes import recipe_digest
from adapterctl.rules.redaction import without_secrets
from adapterctl.rules.trainer_output import step_in
from adapterctl.stores.files import write_atomically
from adapterctl.stores.processes import Ended, stream

FINISHED = "finished.json"

_one_at_a_time = threading.Lock()
"""Blueprints of bases are made through a patch of torch by PEFT, which threads would share."""


class Finished(Noun, frozen=True, kw_only=True):
    """``finished.json``: a run that came to its end; ``key`` tells its inputs."""

    key: str
    facts: TrainingFacts


@dataclass(frozen=True, kw_only=True)
class Seat:
    """The place of a trainer among others.

    Attributes:
        name: what it is called in progress.
        gpu: the one that it sees, as ``CUDA_VISIBLE_DEVICES`` names it; ``None``: all.
        stop: ends it when it is set.
    """

    name: str
    gpu: str | None = None
    stop: threading.Event | None = None


def train_by_command(
    project: Project,
    sources: Sources,
    command: Command,
    *,
    work: Path,
    device: str,
    threads: int,
    seat: Seat | None = None,
) -> TrainingFacts:
    """Trains into ``work / "adapter"``; what an interrupted build has trained is not run again.

    Args:
        project: whose root holds the pinned code.
        sources: what to train on what.
        command: the recipe's trainer.
        work: scratch folder of this build.
        device: ``cpu`` or ``cuda``; on ``cpu`` the trainer sees no GPU.
        threads: of the trainer's arithmetic.
        seat: its place beside others that run at the same time; alone without one.

    Raises:
        AdapterctlError: it fails; its last words and its log are named.
        InvalidInput: what it leaves is no LoRA adapter.
    """
    key = _key(sources, threads=threads, device=device)
    known = _finished(work / FINISHED)
    if known is not None and known.key == key and (work / "adapter").is_dir():
        # Once: an adapter that is refused afterwards must not be handed in again and again.
        (work / FINISHED).unlink()
        return known.facts
    with _one_at_a_time:
        handed = hand_over(project, sources, command, place=work / "trainer")
    log = work / "trainer" / "log.txt"
    seat = seat or Seat(name=sources.recipe.adapter)
    variables = _variables(device, threads, gpu=seat.gpu)
    ended = _run(project, sources, handed, log=log, variables=variables, seat=seat)
    if ended.status != 0:
        raise _failed(ended, handed, log=log, silent=sources.recipe.data.train.sensitive)
    facts = taken(sources, handed, seconds=ended.seconds, folder=work / "adapter")
    for each in facts.departures:
        project.display.say(
            f"warning: the trainer used {each.path} {each.used}, the recipe says {each.recipe}: "
            "the record says what was used"
        )
    write_atomically(work / FINISHED, pretty(Finished(key=key, facts=facts)))
    return facts


def _key(sources: Sources, **how: object) -> str:
    return digest(
        [
            sources.base.fingerprint,
            sources.rows_sha256,
            code_digest(sources.code),
            recipe_digest(sources.recipe),
            how,
        ]
    )


def _finished(path: Path) -> Finished | None:
    return read_json(path.read_bytes(), Finished, file=FINISHED) if path.is_file() else None


def _run(
    project: Project,
    sources: Sources,
    handed: Handed,
    *,
    log: Path,
    variables: dict[str, str],
    seat: Seat,
) -> Ended:
    name = seat.name
    project.display.say(f"running {without_secrets(shlex.join(handed.words))}")
    project.display.say(f"its log: {log}")
    silent = sources.recipe.data.train.sensitive

    def said(line: str) -> None:
        done, total = step_in(line)
        project.display.progress(f"training {name}", done, total, note="" if silent else line)

    ended = stream(
        handed.words, root=handed.root, variables=variables, log=log, said=said, stop=seat.stop
    )
    project.display.progress(f"training {name}", 1, 1)
    return ended


def _variables(device: str, threads: int, *, gpu: str | None) -> dict[str, str]:
    count = str(threads)
    found = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}
    if device == "cpu":
        return found | {"CUDA_VISIBLE_DEVICES": ""}
    own = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
    return found | own | {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


def _failed(ended: Ended, handed: Handed, *, log: Path, silent: bool) -> AdapterctlError:
    """Returns the error with the trainer's last words; rows that are sensitive may be in them."""
    status = f"signal {-ended.status}" if ended.status < 0 else f"exit status {ended.status}"
    words = [] if silent else [line for line in ended.tail if line.strip()]
    shown = "".join(f"\n    {line[:200]}" for line in words)
    return AdapterctlError(
        f"{Path(handed.words[0]).name} ended with {status}{shown}",
        place="trainer.command",
        hint=f"the whole log: {log}",
    )
