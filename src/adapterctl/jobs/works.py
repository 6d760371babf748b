"""Rebuilds that left a journal on this machine: running, interrupted or finished."""

from __future__ import annotations

from adapterctl.jobs.journal import NAME, Journal
from adapterctl.jobs.locks import is_held
from adapterctl.jobs.project import Project
from adapterctl.rules.campaign.states import Work
from adapterctl.rules.lifecycle.dates import day


def works_of(project: Project) -> list[Work]:
    """Returns the rebuilds that left a journal on this machine."""
    found = []
    for file in sorted((project.private / "rebuilds").glob(f"*/{NAME}")):
        folder, journal = file.parent, Journal(file.parent)
        begun = journal.steps.get("planned")
        to = str(begun.details.get("to", "")) if begun else ""
        adapter, _, version = folder.name.removesuffix(f"-on-{to}").rpartition("-")
        if begun is not None and version.isdigit():
            work = Work(
                adapter=adapter,
                version=int(version),
                to=to,
                planned_on=day(begun.at, str(file)),
                alive=is_held(folder),
                finished=journal.done("candidate"),
                step=list(journal.steps)[-1],
            )
            found.append(work)
    return found
