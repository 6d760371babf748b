"""The drill: every version in use is reproduced when its last proof has grown old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.project import Project
from adapterctl.jobs.reproduce import reproduce
from adapterctl.jobs.survey import survey
from adapterctl.rules.findings import Skipped
from adapterctl.rules.outcomes import NotReproduced, Reproduction
from adapterctl.rules.standing import Standing


def due(project: Project, *, older_than: int | None) -> tuple[list[str], list[Skipped]]:
    """Returns the versions to reproduce, the longest unproven first, and what cannot be.

    Args:
        project: where.
        older_than: days that a successful reproduction counts; None takes the policy's
            ``drill_days``.

    Returns:
        names of versions that hold an alias, and what is passed over, with the reason.
    """
    found = survey(project)
    days = project.policy.drill_days if older_than is None else older_than
    held = [each for each in found.standings if each.aliases]
    wanted = [each for each in held if each.build.repeatable and not each.data_removed]
    old = [each for each in wanted if _is_old(each, today=project.today, days=days)]
    old.sort(key=lambda each: (each.reproduced_at or "", each.name))
    unable = [_unable(each) for each in held if each not in wanted]
    return [each.name for each in old], [*found.skipped, *unable]


def drill(
    project: Project, names: Sequence[str], *, device: str
) -> Iterator[Reproduction | NotReproduced]:
    """Reproduces one version after the other; what stops one concerns it alone."""
    for done, name in enumerate(names):
        project.display.progress("drill", done, len(names), note=name)
        try:
            yield reproduce(project, name, device=device)
        except AdapterctlError as error:
            adapter, version = project.version_of(name)
            yield NotReproduced(adapter=adapter, version=version, error=str(error))
    if names:
        project.display.progress("drill", len(names), len(names))


def _is_old(standing: Standing, *, today: date, days: int) -> bool:
    last = standing.reproduced_at
    return last is None or (today - date.fromisoformat(last[:10])).days > days


def _unable(standing: Standing) -> Skipped:
    removed = standing.data_removed
    return Skipped(
        subject=f"adapter:{standing.name}",
        reason="its training data were removed lawfully"
        if removed
        else "there is no recorded run of ours to repeat",
        mend="" if removed else f"adapterctl verify {standing.name}",
    )
