"""Runs commands as the program does, in this process or in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapterctl.cli import run


@dataclass(frozen=True)
class Said:
    """What a command answered: exit status, stdout and stderr."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The answer as data."""
        answer: dict[str, Any] = json.loads(self.out)
        return answer


class Commands:
    """Commands of one project."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def __call__(self, *words: str) -> Said:
        """Runs one command in this process."""
        self._capsys.readouterr()
        status = run(["--project", str(self.root), *words])
        out, err = self._capsys.readouterr()
        return Said(status, out, err)


def modules_after(root: Path, *words: str) -> set[str]:
    """Returns the top-level modules that a process of its own has imported after a command."""
    code = (
        "import io, sys\n"
        "from adapterctl.cli import run\n"
        "sys.stdout, out = io.TextIOWrapper(io.BytesIO()), sys.stdout\n"
        "run(sys.argv[1:])\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=out)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--project", str(root), *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())
