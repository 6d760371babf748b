"""Builds through a command of params.yaml: a job's folder in, a capsule out (Slurm, Kubernetes).

A job that dies without a word is handed in again: it goes on from its last checkpoint.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import Build, Outcome
from adapterctl.jobs.executors.capsules import delivered, has_failed, outcome
from adapterctl.jobs.executors.job_folder import lay_out
from adapterctl.jobs.executors.job_run import progress_of
from adapterctl.rules.executor_commands import command_words, filled_words
from adapterctl.stores.processes import Launched, launch

FOLDER, LOG = "job", "log.txt"

_LOOK_SECONDS = 0.2


class ByCommand:
    """Hands each job to a command, and waits for it.

    Args:
        template: the command, with ``{job}`` for the folder and ``{name}`` for what it is called.
        at_once: how many commands may be on their way.
        tries: how often a job that dies is handed in.
        pause: waits for some seconds.

    Raises:
        InvalidInput: the template is no command, or does not name the job.
    """

    def __init__(
        self,
        template: str,
        *,
        at_once: int,
        tries: int,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._words = command_words(template)
        self._at_once, self._tries, self._pause = at_once, tries, pause

    def build(self, builds: Sequence[Build]) -> list[Outcome]:
        """Hands in all that is not delivered yet; returns the outcomes in the order of builds."""
        errands = [_Errand(build, tries=self._tries) for build in builds]
        waiting = deque(errand for errand in errands if errand.laid_out())
        going: list[_Errand] = []
        try:
            while waiting or going:
                while waiting and len(going) < self._at_once:
                    going.append(waiting.popleft())
                    going[-1].hand_in(self._words)
                self._pause(_LOOK_SECONDS)
                going = [errand for errand in going if errand.goes_on()]
                waiting.extend(errand for errand in errands if errand.wants_to_go_again())
        finally:
            for errand in going:
                errand.end()
        return [errand.outcome() for errand in errands]


class _Errand:
    """A build on its way through the command."""

    def __init__(self, build: Build, *, tries: int) -> None:
        self._build, self._left = build, tries
        self._folder = build.work / FOLDER
        self._running: Launched | None = None
        self._stopped = AdapterctlError("nothing was delivered", place=build.name)
        self._died = self._refused = False

    def laid_out(self) -> bool:
        """Lays the folder out; whether it is to be handed in."""
        try:
            lay_out(self._build, self._folder)
        except AdapterctlError as error:
            self._stopped, self._refused = error, True
        return not self._refused and delivered(self._folder) is None

    def hand_in(self, template: list[str]) -> None:
        """Starts the command."""
        self._left, self._died = self._left - 1, False
        words = filled_words(template, {"job": str(self._folder), "name": self._build.name})
        log = self._folder / LOG
        try:
            self._running = launch(words, root=self._folder, log=log)
            self._say(f"handed to {words[0]}; its log: {log}")
        except AdapterctlError as error:
            self._stopped, self._left = error, 0

    def goes_on(self) -> bool:
        """Whether the command still runs; shows how far it is, and notes how it died."""
        self._show()
        if self._running is None or self._running.status is None:
            return self._running is not None
        ended, self._running = self._running, None
        if delivered(self._folder) is None and not has_failed(self._folder):
            self._died, self._stopped = True, _death(ended, self._build.name, self._folder / LOG)
            if self._left:
                self._say(f"{self._stopped.problems[0].what}; it is handed in once more")
        return False

    def wants_to_go_again(self) -> bool:
        """Whether it died and may be handed in again; asked once for each death."""
        died, self._died = self._died, False
        return died and self._left > 0

    def end(self) -> None:
        """Ends the command, if it runs."""
        if self._running is not None:
            self._running.end()

    def outcome(self) -> Outcome:
        """Returns what became of it."""
        if self._refused:
            return self._stopped
        return outcome(self._build, self._folder, otherwise=self._stopped)

    def _say(self, text: str) -> None:
        self._build.place.display.say(f"{self._build.name}: {text}")

    def _show(self) -> None:
        found = progress_of(self._folder)
        if found is not None:
            self._build.place.display.step(
                self._build.name, found.step, found.steps, loss=found.loss, speed=found.speed
            )


def _death(ended: Launched, name: str, log: Path) -> AdapterctlError:
    status = ended.status or 0
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    words = "".join(f"\n    {line[:200]}" for line in ended.last_words())
    return AdapterctlError(
        f"the command ended with {how} and left no capsule{words}",
        place=name,
        hint=f"the whole log: {log}",
    )
