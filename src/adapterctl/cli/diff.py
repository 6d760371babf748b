"""``adapterctl diff``."""

from __future__ import annotations

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import complete_adapters, format_option, open_project


@click.command("diff")
@click.argument("before", metavar="A", shell_complete=complete_adapters)
@click.argument("after", metavar="B", shell_complete=complete_adapters)
@format_option()
@click.pass_context
def command(ctx: click.Context, *, before: str, after: str, form: str) -> None:
    """Say what changed from version A to version B: NAME, NAME@3 or NAME@candidate.

    By room: base, data, code, recipe, environment, results. Read from the records alone; exits 0
    whatever it finds.
    """
    from adapterctl.jobs.diff import diff
    from adapterctl.render.diff import as_json, as_text

    project = open_project(ctx)
    found = diff(project, before, after)
    if form == "json":
        click.echo(as_json(found, as_of=project.today))
    else:
        click.echo(as_text(found, colour=has_colours()))
