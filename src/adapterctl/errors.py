"""The small family of errors: raised low, caught once, in ``cli``.

Each says where, what, and what to do next. ``exit_status`` is the contract's:
1 is a judgement against, 3 is "could not answer".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong in one place.

    Attributes:
        place: file, line and path inside the file, as far as known: ``recipe.yaml:7: lora.r``.
        what: what is wrong there, with the value that was found.
        hint: what to write or run instead; empty when nothing can be said.
    """

    place: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.what}" if self.place else self.what
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class AdapterctlError(Exception):
    """Anything that the user, not the author of this package, can mend."""

    exit_status = 3

    def __init__(self, what: str, *, place: str = "", hint: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(place=place, what=what, hint=hint),)
        super().__init__(str(self.problems[0]))


class InvalidInput(AdapterctlError):
    """Input that was refused; carries every problem of the file at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        Exception.__init__(self, "\n".join(str(problem) for problem in self.problems))

    @classmethod
    def one(cls, what: str, *, place: str = "", hint: str = "") -> InvalidInput:
        """Returns the error for a single problem."""
        return cls([Problem(place=place, what=what, hint=hint)])


class NotFound(AdapterctlError):
    """A name, file or object that is not there."""


class MissingExtra(AdapterctlError):
    """A command needs a part of adapterctl that is not installed."""

    def __init__(self, extra: str, *, needed_for: str) -> None:
        self.extra = extra
        super().__init__(
            f"{needed_for} needs the extra {extra!r}, which is not installed",
            hint=f"pip install 'adapterctl[{extra}]'",
        )


class Unreachable(AdapterctlError):
    """An outside thing (remote, server, Hub) did not answer."""


class Mismatch(AdapterctlError):
    """Bytes are not what the record says they are."""


class Refused(AdapterctlError):
    """A judgement against: the command worked, and the answer is no."""

    exit_status = 1
