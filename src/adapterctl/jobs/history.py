"""What happened to one adapter, in order of time."""

from __future__ import annotations

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AnyRecord
from adapterctl.rules.findings import Skipped, skipped
from adapterctl.rules.timeline import Happening, timeline


def history(project: Project, adapter: str) -> tuple[list[Happening], list[Skipped]]:
    """Returns registrations and events, oldest first, and the records that cannot be read.

    Raises:
        NotFound: no such adapter.
    """
    if not project.registry.versions(adapter):
        project.registry.recipe(adapter)
    records: list[AnyRecord] = []
    broken: list[Skipped] = []
    for version in project.registry.versions(adapter):
        try:
            records.append(project.registry.any_record(adapter, version))
        except AdapterctlError as error:
            broken.append(skipped(f"adapter:{adapter}@{version}", error))
    return timeline(records, project.registry.events(adapter)), broken
