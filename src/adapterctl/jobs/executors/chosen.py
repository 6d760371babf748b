"""The executors by the names that ``--executor`` takes."""

from __future__ import annotations

from typing import Literal

from adapterctl.errors import InvalidInput
from adapterctl.jobs.executors import Executor
from adapterctl.jobs.executors.command import ByCommand
from adapterctl.jobs.executors.here import Here
from adapterctl.jobs.project import Project

Kind = Literal["here", "command", "ray"]


def executor(project: Project, kind: Kind, *, address: str | None = None) -> Executor:
    """Returns the executor of a name, as params.yaml sets it up.

    Args:
        project: whose params.yaml is read.
        kind: its name.
        address: of a Ray cluster; without one, a cluster of this machine is started.

    Raises:
        InvalidInput: params.yaml has no command, or one that is none.
        MissingExtra: Ray is not installed.
    """
    policy = project.policy.executor
    match kind:
        case "here":
            return Here(processes=policy.processes)
        case "command":
            if policy.command is None:
                raise InvalidInput.one(
                    "no command is set",
                    place="params.yaml: executor.command",
                    hint='executor: {command: "sbatch --wait {job}/run.sh"}',
                )
            return ByCommand(policy.command, at_once=policy.at_once, tries=policy.tries)
        case "ray":
            from adapterctl.jobs.executors.cluster import OnRay

            return OnRay(address)
