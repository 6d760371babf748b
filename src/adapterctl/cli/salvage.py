"""``adapterctl salvage``."""

from __future__ import annotations

import click

from adapterctl.cli.options import adapter_argument, device_option, format_option, open_project
from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add
from adapterctl.render.salvage import as_text


@click.command("salvage")
@adapter_argument
@device_option
@format_option()
@click.pass_context
def command(ctx: click.Context, *, adapter: str, device: str, form: str) -> None:
    """Keep prompts and the answers of NAME while its base lives, for when its data are gone.

    What is built from them is recorded as derived, never as rebuilt.
    """
    from adapterctl.jobs.salvage import salvage

    project = open_project(ctx)
    found, written = salvage(project, adapter, device=device)
    if form == "json":
        click.echo(envelope("salvage", as_of=project.today, results=[found]))
        return
    click.echo(f"{as_text(found)}\n{git_add(written)}")
