"""Where builds run: `here` in this process, by a `command` of params.yaml, on a `ray` cluster.

Whoever builds elsewhere is handed a folder (`job_folder`), builds there (`job_run`) and leaves a
capsule (`capsules`). `chosen` knows them by the names that ``--executor`` takes.
"""

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
