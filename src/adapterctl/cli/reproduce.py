"""``adapterctl reproduce``."""

from __future__ import annotations

import click

from adapterctl.cli.options import adapter_argument, device_option, format_option, open_project
from adapterctl.render.answer import envelope
from adapterctl.render.reproduce import result, text


@click.command("reproduce")
@adapter_argument
@device_option
@format_option()
@click.pass_context
def command(ctx: click.Context, *, adapter: str, device: str, form: str) -> int:
    """Rebuild NAME[@VERSION|@ALIAS] on its own base, from an empty cache in a clean process.

    Exits 0 when the adapter is bit-identical, 1 with the first differing step when it is not. One
    that a trainer command trained is held to equal inputs; whether it is bit-identical is said.
    """
    from adapterctl.jobs.reproduce import reproduce

    project = open_project(ctx)
    found = reproduce(project, adapter, device=device)
    if form == "json":
        click.echo(envelope("reproduce", as_of=project.today, results=[result(found)]))
    else:
        click.echo(text(found))
    return int(not found.kept)
