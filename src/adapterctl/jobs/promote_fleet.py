"""Promoting what passed: every adapter on a base that has a candidate to take its place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.project import Project
from adapterctl.jobs.promote import promote
from adapterctl.jobs.survey import survey
from adapterctl.rules.campaign.promotions import Moved, Promotions, Stays
from adapterctl.rules.campaign.readiness import Ready, readiness, serving_version
from adapterctl.rules.findings import skipped
from adapterctl.rules.standing import Standing


def promote_passed(project: Project, *, on_base: str, because: str | None) -> Promotions:
    """Makes each passed candidate of the adapters on ``on_base`` the champion.

    What stops one adapter stops no other. Retired adapters are left out.

    Args:
        project: where.
        on_base: the base that they leave.
        because: a reason, written into each event.

    Raises:
        NotFound: ``on_base`` is no base, and no adapter stands on it.
    """
    found = survey(project, every=True)
    ends = [
        _moved(project, serving, versions, because=because)
        for serving, versions in serving_on(found.standings, on_base)
    ]
    if not ends:
        project.registry.base(on_base)
    return Promotions(base=on_base, ends=ends, skipped=found.skipped)


def serving_on(standings: list[Standing], base: str) -> Iterator[tuple[Standing, list[Standing]]]:
    """Yields each version that serves on a base, and all versions of its adapter."""
    for _, each in groupby(standings, key=lambda standing: standing.adapter):
        versions = list(each)
        serving = serving_version(versions)
        if serving.base == base:
            yield serving, versions


def _moved(
    project: Project, serving: Standing, versions: list[Standing], *, because: str | None
) -> Moved | Stays:
    ready = readiness(serving, versions)
    candidate = ready.version if isinstance(ready, Ready) else ready.candidate
    if isinstance(ready, Ready):
        try:
            return promote(project, f"{serving.adapter}@{ready.version}", because=because)
        except AdapterctlError as error:
            told = skipped(f"adapter:{serving.name}", error)
            why, mend = told.reason, told.mend
    else:
        why, mend = ready.why, ready.mend
    return Stays(
        adapter=serving.adapter,
        version=serving.version,
        candidate=candidate,
        aliases={alias: one.version for one in versions for alias in one.aliases},
        why=why,
        mend=mend,
    )
