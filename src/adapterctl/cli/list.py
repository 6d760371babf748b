"""``adapterctl list``."""

from __future__ import annotations

from datetime import date

import click

from adapterctl.cli.answering import has_colours, uncollected
from adapterctl.cli.options import as_of_option, complete_bases, format_option, open_project


@click.command()
@click.option("--base", metavar="ID", shell_complete=complete_bases, help="Only on this base.")
@as_of_option
@format_option("json")
@click.pass_context
@uncollected
def command(ctx: click.Context, *, base: str | None, as_of: date | None, form: str) -> None:
    """List adapters with base, grade, rebuild-by and slack.

    One line for each version that holds an alias, else for the newest.
    """
    from adapterctl.jobs.list import list_adapters
    from adapterctl.render.listing import as_json, as_text

    project = open_project(ctx, as_of=as_of)
    found = list_adapters(project, base=base)
    if form == "json":
        click.echo(as_json(found.lines, found.skipped, as_of=project.today))
    else:
        click.echo(as_text(found.lines, found.skipped, colour=has_colours()))
