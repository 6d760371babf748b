"""What a job leaves to others: a job written as steps says what it wishes, and goes on with it.

Several jobs then go side by side: what they wish for is built at once, and a base is loaded once
for all that ask on it (`together`). A job that runs by itself is one of one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from adapterctl.jobs.building import Build, Built, Outcome, succeeded
from adapterctl.jobs.inputs.sources import Sources

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Builds:
    """Wishes adapters to be built; the reply is a list of their outcomes, in this order."""

    builds: tuple[Build, ...]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Wishes to ask on the loaded base of ``sources``; the reply is what ``ask`` returns.

    The base is left as it was found.
    """

    sources: Sources
    device: str
    ask: Callable[[LoadedBase], Any]

    @property
    def base(self) -> tuple[object, ...]:
        """Equal where one loaded base serves, whatever the task and the labels."""
        return self.sources.base_dir, self.sources.recipe.trust_remote_code, self.device


Wish = Builds | Question

Steps = Generator[Wish, Any, T]
"""A job as steps: it yields wishes, is sent the replies (or thrown an error), and returns."""


def built(build: Build) -> Steps[Built]:
    """Wishes one adapter.

    Raises:
        AdapterctlError: what stopped it.
    """
    [outcome] = yield from all_built([build])
    return succeeded(outcome)


def all_built(builds: list[Build]) -> Steps[list[Outcome]]:
    """Wishes several adapters at once."""
    outcomes: list[Outcome] = yield Builds(builds=tuple(builds))
    return outcomes


def asked(sources: Sources, ask: Callable[[LoadedBase], T], *, device: str) -> Steps[T]:
    """Wishes an answer that needs a loaded base.

    Raises:
        AdapterctlError: the base cannot be loaded, or what ``ask`` raises.
    """
    reply: T = yield Question(sources=sources, device=device, ask=ask)
    return reply
