"""``adapterctl init``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from adapterctl.cli.progress import Display
from adapterctl.render.filed import git_add


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
@click.option("--remote", metavar="URL", help="The DVC remote; default: a folder beside DIR.")
def command(folder: str, remote: str | None) -> int:
    """Make a new project in DIR: registry/, params.yaml, dvc.yaml, DVC with a remote, git."""
    from adapterctl.jobs.init import init
    from adapterctl.jobs.project import Project

    root = Path(folder).resolve()
    project = Project(root=root, now=datetime.now(UTC), display=Display())
    made = init(project, remote=remote)
    click.echo(f"a new project in {made.root}; data and artifacts go to {made.remote}")
    click.echo(git_add(made.written))
    click.echo("next: adapterctl bases add ID --path DIR, then adapterctl new NAME --data FILE")
    click.echo("until when public bases live, as far as is known: adapterctl lifecycle start")
    return 0
