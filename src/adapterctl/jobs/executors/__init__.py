"""Where builds run: in this process (`here`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from adapterctl.jobs.building import Build, Outcome


class Executor(Protocol):
    """Builds adapters, all that can be at once; what stops one concerns it alone."""

    def build(self, builds: Sequence[Build]) -> list[Outcome]:
        """Returns the outcomes in the order of ``builds``.

        A build that was interrupted goes on where it stopped when it is handed in again.
        """
