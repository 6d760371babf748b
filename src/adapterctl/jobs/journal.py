"""A journal of steps, so that a killed job goes on where it stopped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.records.canonical import compact
from adapterctl.records.noun import Noun
from adapterctl.stores.files import append_line, write_atomically

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
        self.steps, self._torn = _read(folder / NAME)

    def start_over(self) -> None:
        """Forgets everything, and removes what was made."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.steps, self._torn = {}, False

    def turn_over(self) -> None:
        """Forgets the steps, and leaves what was made where it is."""
        (self.folder / NAME).unlink(missing_ok=True)
        self.steps, self._torn = {}, False

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
        if self._torn:
            # Else the next line would be joined to the broken one, and be lost with it.
            whole = b"".join(compact(each) + b"\n" for each in self.steps.values())
            write_atomically(self.folder / NAME, whole)
            self._torn = False
        entry = Step(step=step, at=at, details=details)
        append_line(self.folder / NAME, compact(entry))
        self.steps[step] = entry


def _read(path: Path) -> tuple[dict[str, Step], bool]:
    """Reads the journal up to its first broken line: what was cut off was not finished.

    Returns:
        the finished steps, and whether a broken line follows them.
    """
    steps: dict[str, Step] = {}
    raw = path.read_bytes() if path.is_file() else b""
    for line in raw.splitlines():
        try:
            entry = msgspec.json.decode(line, type=Step)
        except msgspec.DecodeError:
            return steps, True
        steps[entry.step] = entry
    return steps, bool(raw) and not raw.endswith(b"\n")
