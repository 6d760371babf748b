"""``adapterctl bakeoff``."""

from __future__ import annotations

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import (
    adapter_argument,
    complete_bases,
    device_option,
    format_option,
    open_project,
)


@click.command("bakeoff")
@adapter_argument
@click.option(
    "--to",
    required=True,
    multiple=True,
    metavar="BASE",
    shell_complete=complete_bases,
    help="A candidate successor; give several.",
)
@click.option(
    "--trial", default="15m", show_default=True, help="What each is given: 15m, 90s, 1h, 5EUR."
)
@device_option
@format_option("json")
@click.pass_context
def command(
    ctx: click.Context, *, adapter: str, to: tuple[str, ...], trial: str, device: str, form: str
) -> int:
    """Train NAME for a while on each candidate successor, and rank them.

    Judged on training rows that are held out, never on an evaluation set. Exits 1 when a
    candidate could not be tried.
    """
    from adapterctl.jobs.bakeoff import bakeoff
    from adapterctl.render.bakeoff import as_json, as_text

    project = open_project(ctx)
    found = bakeoff(project, adapter, to=to, trial=trial, device=device)
    if form == "json":
        click.echo(as_json(found, as_of=project.today))
    else:
        click.echo(as_text(found, colour=has_colours()))
    return int(bool(found.unable))
