"""The list of adapters: base, grade, rebuild-by and slack of each."""

from __future__ import annotations

from dataclasses import dataclass

from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import cut, not_registered, survey
from adapterctl.rules.findings import Skipped
from adapterctl.rules.standing import Listed, listed


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The lines of the list, and the adapters that have none, each with its reason."""

    lines: list[Listed]
    skipped: list[Skipped]


def list_adapters(project: Project, *, base: str | None = None) -> Listing:
    """Lists the versions that hold an alias or serve without one, of every adapter."""
    found = cut(survey(project, base=base), base=base)
    retired = [Skipped(subject=f"adapter:{name}", reason="retired") for name in found.retired]
    return Listing(
        lines=[listed(standing) for standing in found.standings],
        skipped=[*not_registered(found.unregistered), *retired, *found.skipped],
    )
