"""The bases that the registry declares, as far as their files can be read."""

from __future__ import annotations

from contextlib import suppress

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.project import Project
from adapterctl.records.base import Base


def readable_bases(project: Project) -> dict[str, Base]:
    """Returns every declared base; one whose file is broken is left out, as if nobody named it."""
    found = {}
    for name in project.registry.bases():
        with suppress(AdapterctlError):
            found[name] = project.registry.base(name)
    return found
