"""Jobs that go side by side, step by step.

Questions come before builds, so that all that is to be built is built at once. One base is in
memory at a time, and stays while anyone asks on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from adapterctl.errors import AdapterctlError
from adapterctl.jobs import sides
from adapterctl.jobs.executors import Executor
from adapterctl.jobs.project import Display
from adapterctl.jobs.wishes import Builds, Question, Steps, Wish

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase

T = TypeVar("T")

Watch = Callable[[str, T | AdapterctlError | None], None]
"""Hears which job is about to go on, and how it ended when it has."""

_ALL = ""
"""Whose turn it is while builds of several jobs run."""

Opened = Callable[[Question, "list[LoadedBase]"], "LoadedBase"]
"""Gives the base that a question is to be asked on, beside what is loaded of it for others."""


def together(
    jobs: Mapping[str, Steps[T]],
    executor: Executor,
    *,
    display: Display,
    told: Callable[[T], str],
    opened: Opened | None = None,
) -> dict[str, T | AdapterctlError]:
    """Runs jobs to their ends; what stops one concerns it alone.

    Args:
        jobs: by name, the most urgent first.
        executor: where builds run.
        display: shows each on its way, and whose turn it is.
        told: how a job ended, in a few words.
        opened: gives the base of a question; as `sides.open_beside` does by default.

    Returns:
        what each job returned, or the error that stopped it.
    """

    def went_on(name: str, end: T | AdapterctlError | None) -> None:
        if isinstance(end, AdapterctlError):
            display.ended(name, f"stopped: {end.problems[0].what}")
        elif end is not None:
            display.ended(name, told(end))
        else:
            display.turn(name)

    with display.fleet(list(jobs)):
        return _run(jobs, executor, watch=went_on, opened=opened or _open)


def alone(steps: Steps[T], executor: Executor) -> T:
    """Runs one job to its end.

    Raises:
        AdapterctlError: what stopped it.
    """
    [end] = _run({"": steps}, executor, watch=lambda *_: None, opened=_open).values()
    if isinstance(end, AdapterctlError):
        raise end
    return end


def _run(
    jobs: Mapping[str, Steps[T]], executor: Executor, *, watch: Watch[T], opened: Opened
) -> dict[str, T | AdapterctlError]:
    try:
        return _Crew(jobs, executor, watch=watch, opened=opened).run()
    finally:
        for steps in jobs.values():
            steps.close()


class _Crew(Generic[T]):
    """Jobs under way: what each wishes now, and how it ended."""

    def __init__(
        self,
        jobs: Mapping[str, Steps[T]],
        executor: Executor,
        *,
        watch: Watch[T],
        opened: Opened,
    ) -> None:
        self._jobs, self._executor = jobs, executor
        self._watch, self._opened = watch, opened
        self._wishes: dict[str, Wish] = {}
        self._ends: dict[str, T | AdapterctlError] = {}

    def run(self) -> dict[str, T | AdapterctlError]:
        for name in self._jobs:
            self._go_on(name, None)
        while self._wishes:
            if question := self._question():
                self._answer(question)
            else:
                self._build()
        return {name: self._ends[name] for name in self._jobs}

    def _go_on(self, name: str, reply: object) -> None:
        """Takes a job to its next wish, or to its end."""
        self._wishes.pop(name, None)
        self._watch(name, None)
        steps = self._jobs[name]
        try:
            if isinstance(reply, AdapterctlError):
                self._wishes[name] = steps.throw(reply)
            else:
                self._wishes[name] = steps.send(reply)
        except StopIteration as end:
            self._end(name, end.value)
        except AdapterctlError as error:
            self._end(name, error)

    def _end(self, name: str, end: T | AdapterctlError) -> None:
        self._ends[name] = end
        self._watch(name, end)

    def _question(self, base: tuple[object, ...] | None = None) -> Question | None:
        """Returns the most urgent question, or the most urgent that a loaded base serves."""
        waiting = (self._wishes.get(name) for name in self._jobs)
        questions = (wish for wish in waiting if isinstance(wish, Question))
        return next((wish for wish in questions if base in (None, wish.base)), None)

    def _answer(self, first: Question) -> None:
        """Loads a base, and answers everyone who asks on it."""
        loaded: list[LoadedBase] = []
        while question := self._question(first.base):
            name = next(name for name, wish in self._wishes.items() if wish is question)
            self._watch(name, None)
            self._go_on(name, self._reply(question, loaded))

    def _reply(self, question: Question, loaded: list[LoadedBase]) -> object:
        try:
            return question.ask(self._opened(question, loaded))
        except AdapterctlError as error:
            return error
        except (MemoryError, RuntimeError) as error:
            return _told(error)

    def _build(self) -> None:
        """Builds all that is wished for at once."""
        wishes = {n: self._wishes[n] for n in self._jobs if n in self._wishes}
        builds = [
            build for wish in wishes.values() if isinstance(wish, Builds) for build in wish.builds
        ]
        self._watch(_ALL, None)
        outcomes = iter(self._executor.build(builds))
        for name, wish in wishes.items():
            if isinstance(wish, Builds):
                self._go_on(name, [next(outcomes) for _ in wish.builds])


def _told(error: MemoryError | RuntimeError) -> AdapterctlError:
    """Returns in words that memory ran out; any other error is a bug, and keeps its traceback."""
    from adapterctl.training.learning.memory import is_out_of_memory

    if not isinstance(error, MemoryError) and not is_out_of_memory(error):
        raise error
    return AdapterctlError(
        "out of memory while it was asked",
        place="training.per_device_eval_batch_size",
        hint="lower it in the recipe; what is trained is kept: --resume goes on from there",
    )


def _open(question: Question, loaded: list[LoadedBase]) -> LoadedBase:
    """Returns the base for a question; what is loaded for others serves where it can."""
    base = sides.open_beside(question.sources, loaded, device=question.device)
    if base not in loaded:
        loaded.append(base)
    return base
