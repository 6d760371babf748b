"""``adapterctl build``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click


@click.command("build")
@click.argument(
    "folders", metavar="JOB...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
def command(*, folders: tuple[Path, ...]) -> int:
    """Build what the folders of jobs ask for, and leave a capsule in each.

    `rebuild --executor command` lays the folders out; nothing else of the project is needed here.
    Run again, a job goes on from its last checkpoint; one that is delivered is not run again.
    """
    from adapterctl.cli.progress import Display
    from adapterctl.jobs.executors.job_run import run_jobs
    from adapterctl.jobs.project import Project

    places = [folder.absolute() for folder in folders]
    now = datetime.now(UTC).replace(microsecond=0)
    stopped = run_jobs(places, Project(root=places[0], now=now, display=Display()))
    errors = [error for error in stopped if error is not None]
    for error in errors:
        click.echo(f"error: {error}", err=True)
    return max((error.exit_status for error in errors), default=0)
