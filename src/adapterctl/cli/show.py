"""``adapterctl show``."""

from __future__ import annotations

from datetime import date

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import adapter_argument, as_of_option, format_option, open_project


@click.command()
@adapter_argument
@as_of_option
@format_option("json")
@click.pass_context
def command(ctx: click.Context, *, adapter: str, as_of: date | None, form: str) -> None:
    """Show one adapter version with everything pinned.

    NAME alone is the champion, or else the newest version; NAME@3 and NAME@candidate are exact.
    """
    from adapterctl.jobs.show import show
    from adapterctl.render.show import as_json, as_text

    project = open_project(ctx, as_of=as_of)
    shown, skipped = show(project, adapter)
    if form == "json":
        click.echo(as_json(shown, skipped, as_of=project.today))
    else:
        click.echo(as_text(shown, skipped, colour=has_colours()))
