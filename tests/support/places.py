"""Where builds run, and lose what they run on in the middle of a step: one interface for all.

Here in this process; `scheduler` and `ray_nodes` have the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from adapterctl.jobs.building import Build, Outcome
from adapterctl.jobs.executors import Executor
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.project import Quiet


class Place(Protocol):
    """Where builds run.

    Attributes:
        preempt: at which step the next runs lose what they run on; set before `executor`.
        handed: the jobs that were handed in, by the names of their builds' folders.
        began: at which step each job began, run by run.
    """

    preempt: list[int]

    @property
    def handed(self) -> list[str]: ...

    @property
    def began(self) -> list[int]: ...

    def executor(self, *, tries: int = 2) -> Executor:
        """Returns the executor that builds there, and begins ``tries`` times in all."""


class Preempted(BaseException):
    """The node is taken away in the middle of a step."""


class Node(Quiet):
    """A display that takes its process away at the end of step ``last``.

    Args:
        last: None lets it be.
        began: is told the first step of each job.
        take_away: by default raises what no build catches.
    """

    def __init__(
        self,
        last: int | None,
        *,
        began: Callable[[int], None],
        take_away: Callable[[], None] | None = None,
    ) -> None:
        self._last, self._began, self._take_away = last, began, take_away
        self._running: set[str] = set()

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        if slot not in self._running:
            self._began(done)
        self._running.add(slot)
        if done == self._last:
            if self._take_away is None:
                raise Preempted
            self._take_away()


class ThisProcess:
    """A place that is always there: losing it is raised."""

    def __init__(self) -> None:
        self.preempt: list[int] = []
        self.handed: list[str] = []
        self.began: list[int] = []

    def executor(self, *, tries: int = 2) -> Executor:
        return self

    def build(self, builds: Sequence[Build]) -> list[Outcome]:
        self.handed += [build.work.name for build in builds]
        node = Node(self.preempt.pop(0) if self.preempt else None, began=self.began.append)
        watched = [replace(each, place=replace(each.place, display=node)) for each in builds]
        return Here().build(watched)
