"""Rebuilding several adapters: all on a base, or those that are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.ladder.climb import Limits
from adapterctl.jobs.project import Project
from adapterctl.jobs.rebuild import ANY_HEIGHT, rebuild
from adapterctl.jobs.survey import survey
from adapterctl.rules.findings import Skipped
from adapterctl.rules.outcomes import Rebuilt


def on_base(project: Project, base: str) -> tuple[list[str], list[Skipped]]:
    """Returns the versions on ``base`` that speak for their adapters, and what cannot be read.

    Retired adapters are left out.

    Raises:
        NotFound: ``base`` is no base, and no adapter stands on it.
    """
    found = survey(project)
    names = [each.name for each in found.standings if each.leads and each.base == base]
    if not names:
        project.registry.base(base)
        project.display.say(f"no adapter stands on {base}")
    for one in found.skipped:
        project.display.say(f"skipped {one.subject}: {one.reason}")
    return names, found.skipped


def rebuild_all(
    project: Project,
    wanted: Sequence[str],
    *,
    to: str,
    device: str,
    resume: bool,
    limits: Limits = ANY_HEIGHT,
) -> Iterator[Rebuilt]:
    """Rebuilds one adapter after the other; what stops one of several concerns it alone.

    Raises:
        InvalidInput: one of the names is no registered version; nothing was begun.
    """
    named = [project.version_of(name) for name in wanted]
    for adapter, version in named:
        name = f"{adapter}@{version}"
        try:
            yield rebuild(project, name, to=to, device=device, resume=resume, limits=limits)
        except AdapterctlError as error:
            if len(named) == 1:
                raise
            yield Rebuilt(adapter=adapter, from_version=version, base=to, error=str(error))
