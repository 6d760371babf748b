"""The reading commands from Python: the typed records behind the answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

from adapterctl.jobs import audit as audit_job
from adapterctl.jobs import list as list_job
from adapterctl.jobs import show as show_job
from adapterctl.jobs.list import Listing
from adapterctl.jobs.project import Project
from adapterctl.rules.findings import Audit
from adapterctl.rules.standing import Shown


def audit(
    project: Path | str = ".",
    *,
    as_of: date,
    horizon_days: int | None = None,
    owner: str | None = None,
    base: str | None = None,
    offline: bool = False,
) -> Audit:
    """Returns the findings of the project, and what could not be judged.

    Args:
        project: the folder that holds ``registry/``.
        as_of: the day that counts as today.
        horizon_days: how far ahead to look; default: the project's policy.
        owner: only adapters that this team owns or covers for.
        base: only adapters on this base.
        offline: ask nothing of the world, only the registry.
    """
    there, world = _open(project, as_of), not offline
    return audit_job.audit(there, horizon_days=horizon_days, owner=owner, base=base, world=world)


def list(project: Path | str = ".", *, as_of: date, base: str | None = None) -> Listing:
    """Returns one line per adapter, and the adapters that have none."""
    return list_job.list_adapters(_open(project, as_of), base=base)


def show(wanted: str, project: Path | str = ".", *, as_of: date) -> Shown:
    """Returns one version: ``NAME``, ``NAME@3`` or ``NAME@champion``."""
    shown, _ = show_job.show(_open(project, as_of), wanted)
    return shown


def _open(project: Path | str, as_of: date) -> Project:
    root = Path(project).resolve()
    now = datetime.combine(as_of, time(), UTC)
    there = Project(root=root, now=now, as_of=as_of)
    there.registry.must_exist()
    return there
