"""``adapterctl sync``."""

from __future__ import annotations

import click

from adapterctl.cli.options import format_option, open_project
from adapterctl.render.answer import envelope


@click.command("sync")
@format_option()
@click.pass_context
def command(ctx: click.Context, *, form: str) -> int:
    """Bring MLflow in line with the registry: runs, versions, tags and aliases."""
    from adapterctl.jobs.sync import sync

    project = open_project(ctx)
    synced = sync(project)
    if form == "json":
        results = [vars(each) for each in synced]
        click.echo(envelope("sync", as_of=project.today, results=results))
        return 0
    for each in synced:
        held = ", ".join(f"{alias}={version}" for alias, version in sorted(each.aliases.items()))
        replayed = ", ".join(map(str, each.replayed)) or "none"
        click.echo(f"{each.adapter}: replayed {replayed}; aliases {held or 'none'}")
    if not synced:
        click.echo("nothing is registered yet")
    return 0
