"""``adapterctl verify``."""

from __future__ import annotations

import click

from adapterctl.cli.options import adapter_argument, format_option, open_project
from adapterctl.render.answer import envelope
from adapterctl.render.release import part_result, parts_text


@click.command("verify")
@adapter_argument
@format_option()
@click.pass_context
def command(ctx: click.Context, *, adapter: str, form: str) -> int:
    """Check every pin of NAME[@VERSION|@ALIAS] against the world (promise B0).

    Fetches all bytes from the remote into an empty cache and hashes them; exits 1 when a pin
    does not hold.
    """
    from adapterctl.jobs.verify import verify

    project = open_project(ctx)
    parts = verify(project, adapter)
    if form == "json":
        results = [part_result(part) for part in parts]
        click.echo(envelope("verify", as_of=project.today, results=results))
    else:
        click.echo(parts_text(parts))
    return int(any(part.problem is not None for part in parts))
