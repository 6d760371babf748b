"""``adapterctl history``."""

from __future__ import annotations

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import adapter_argument, format_option, open_project


@click.command()
@adapter_argument
@format_option("json")
@click.pass_context
def command(ctx: click.Context, *, adapter: str, form: str) -> None:
    """Show what happened to an adapter: registrations and events, oldest first."""
    from adapterctl.jobs.history import history
    from adapterctl.render.history import as_json, as_text

    project = open_project(ctx)
    lines, skipped = history(project, adapter)
    if form == "json":
        click.echo(as_json(lines, skipped, as_of=project.today))
    else:
        click.echo(as_text(lines, skipped, colour=has_colours()))
