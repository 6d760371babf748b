"""``adapterctl forget``."""

from __future__ import annotations

import click

from adapterctl.cli.options import adapter_argument, format_option, open_project
from adapterctl.render import forget as render
from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add


@click.command("forget")
@adapter_argument
@click.option("--because", metavar="TEXT", required=True, help="On what ground they were removed.")
@format_option()
@click.pass_context
def command(ctx: click.Context, *, adapter: str, because: str, form: str) -> None:
    """Record that the data of NAME were removed lawfully: of one version, or of all.

    From then on verify, plan, rebuild and reproduce say so instead of missing them. It deletes
    nothing itself, and lists what has to be deleted.
    """
    from adapterctl.jobs.forget import forget

    project = open_project(ctx)
    forgotten, written = forget(project, adapter, because=because)
    if form == "json":
        click.echo(envelope("forget", as_of=project.today, results=[forgotten]))
        return
    click.echo(render.as_text(forgotten))
    if written:
        click.echo(git_add(written))
