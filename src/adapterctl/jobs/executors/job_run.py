"""The other side of a job's folder: builds what it asks for, and leaves the capsule."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import Build
from adapterctl.jobs.executors.capsules import deliver, delivered, give_up
from adapterctl.jobs.executors.here import build_all
from adapterctl.jobs.executors.job_folder import read_build
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project, Quiet
from adapterctl.records.canonical import compact
from adapterctl.records.noun import Noun
from adapterctl.stores.files import write_atomically

PROGRESS = "progress.json"

_EVERY_SECONDS = 0.5


class Progress(Noun, frozen=True, kw_only=True):
    """``progress.json``: the last step that was reported; ``speed`` in tokens per second."""

    step: int
    steps: int
    loss: float
    speed: float


def run_jobs(folders: Sequence[Path], surroundings: Project) -> list[AdapterctlError | None]:
    """Builds what several folders ask for, side by side; what stops one concerns it alone.

    What was delivered already is not built again; what was interrupted goes on. Another run in
    the same folder is waited for.

    Args:
        folders: of the jobs.
        surroundings: whose time and display hold; nothing of its project is read.

    Returns:
        what stopped each, in the order of ``folders``.
    """
    with ExitStack() as locks:
        for folder in sorted(folders):
            locks.enter_context(alone(folder))
        left = [folder for folder in folders if delivered(folder) is None]
        stopped = _run(left, surroundings)
    for folder, error in stopped.items():
        give_up(folder, error)
    return [stopped.get(folder) for folder in folders]


def _run(folders: Sequence[Path], surroundings: Project) -> dict[Path, AdapterctlError]:
    """Builds and delivers; returns what stopped those that were stopped."""
    display = _Reporting(surroundings)
    builds: dict[Path, Build] = {}
    stopped: dict[Path, AdapterctlError] = {}
    for folder in folders:
        try:
            builds[folder] = read_build(folder, replace(surroundings, display=display))
        except AdapterctlError as error:
            stopped[folder] = error
    display.folders = {build.name: folder for folder, build in builds.items()}
    for folder, outcome in zip(builds, build_all(list(builds.values())), strict=True):
        if isinstance(outcome, AdapterctlError):
            stopped[folder] = outcome
        else:
            deliver(folder, outcome)
    return stopped


class _Reporting(Quiet):
    """Shows what its surroundings show, and leaves each step where who waits can read it."""

    def __init__(self, surroundings: Project) -> None:
        self._display = surroundings.display
        self._last: dict[str, float] = {}
        self.folders: dict[str, Path] = {}

    def say(self, text: str) -> None:
        """Says it."""
        self._display.say(text)

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        """Shows a step, and writes it down twice a second at most."""
        self._display.step(slot, done, total, loss=loss, speed=speed)
        now = time.monotonic()
        if done < total and now - self._last.get(slot, -1.0) < _EVERY_SECONDS:
            return
        self._last[slot] = now
        found = Progress(step=done, steps=total, loss=loss, speed=speed)
        write_atomically(self.folders[slot] / PROGRESS, compact(found), lasting=False)


def progress_of(folder: Path) -> Progress | None:
    """Returns how far a job was when it last said so."""
    try:
        return msgspec.json.decode((folder / PROGRESS).read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError):
        return None
