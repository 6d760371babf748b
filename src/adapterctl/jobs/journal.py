"""A journal of steps, so that a killed job goes on where it stopped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.records.canonical import compact
from adapterctl.records.noun import Noun
from adapterctl.stores.files import append_line

NAME = "journal.jsonl"


class Step(Noun, frozen=True, kw_only=True):
    """One finished step; ``at`` is UTC in ISO 8601."""

    step: str
    at: str
    details: dict[str, Any] = {}


class Journal:
    """The finished steps of one job, in the folder that holds what they made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps = _read(folder / NAME)

    def start_over(self) -> None:
        """Forgets everything, and removes what was made."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.steps = {}

    def clear_away(self) -> None:
        """Removes what was made, and keeps the journal: it tells what happened when."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)

    def done(self, step: str) -> bool:
        """Whether the step was finished."""
        return step in self.steps

    def note(self, step: str, *, at: str, **details: Any) -> None:
        """Writes down that a step is finished, once: a resumed job passes it again."""
        if self.done(step):
            return
        entry = Step(step=step, at=at, details=details)
        append_line(self.folder / NAME, compact(entry))
        self.steps[step] = entry


def _read(path: Path) -> dict[str, Step]:
    """Reads the journal up to its first broken line: what was cut off was not finished."""
    steps: dict[str, Step] = {}
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            entry = msgspec.json.decode(line, type=Step)
        except msgspec.DecodeError:
            break
        steps[entry.step] = entry
    return steps
