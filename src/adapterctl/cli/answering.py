"""How answers are made in one go and reach stdout."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def has_colours() -> bool:
    """Whether stdout is a terminal whose user did not set NO_COLOR (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def uncollected(answer: Callable[P, R]) -> Callable[P, R]:
    """Lets a command answer without the search for cycles: a sixteenth of its time, and in vain.

    It reads many thousands of nouns, keeps them to its end, and none of them is in a cycle.
    """

    @wraps(answer)
    def answering(*args: P.args, **kwargs: P.kwargs) -> R:
        searches = gc.isenabled()
        gc.disable()
        try:
            return answer(*args, **kwargs)
        finally:
            if searches:
                gc.enable()

    return answering
