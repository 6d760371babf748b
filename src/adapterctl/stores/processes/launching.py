"""Runs commands of the user's beside one another, with the whole environment of this process.

Those of a scheduler need it: KUBECONFIG, SLURM_*, what a login left behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.rules.redaction import without_secrets

_GRACE_SECONDS = 10.0
"""So long a command may take to end by itself when it is told to."""


class Launched:
    """A command on its way."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process, self._log = process, log

    @property
    def status(self) -> int | None:
        """Its exit status, negative for the signal that killed it; ``None`` while it runs."""
        return self._process.poll()

    def last_words(self, lines: int = 5) -> list[str]:
        """Returns the last lines of its log, without credentials."""
        said = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [without_secrets(line) for line in said if line.strip()][-lines:]

    def end(self) -> None:
        """Ends it and all processes that it started, if it still runs."""
        if self.status is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
            self._process.wait()

    def _signal(self, number: int) -> None:
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)
        except (ProcessLookupError, PermissionError):
            return


def launch(words: Sequence[str], *, root: Path, log: Path) -> Launched:
    """Starts a command in the folder ``root``; what it says is added to ``log``.

    Raises:
        AdapterctlError: it cannot be started.
    """
    try:
        with log.open("ab") as stream:
            process = subprocess.Popen(
                list(words),
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise AdapterctlError(
            f"cannot start {words[0]}: {error.strerror or error}",
            place="params.yaml: executor.command",
            hint="name a program that is installed here",
        ) from None
    return Launched(process, log)
