"""``adapterctl campaign``."""

from __future__ import annotations

from datetime import date

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import (
    as_of_option,
    complete_bases,
    device_option,
    format_option,
    open_project,
)


@click.command("campaign")
@click.argument("base", metavar="OLD", shell_complete=complete_bases)
@click.option(
    "--to", metavar="NEW", shell_complete=complete_bases, help="Plan on NEW; default: known ones."
)
@click.option("--quick", is_flag=True, help="Plan nothing: only registry and journals.")
@device_option
@as_of_option
@format_option("json")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    base: str,
    to: str | None,
    quick: bool,
    device: str,
    as_of: date | None,
    form: str,
) -> int:
    """Show how far every adapter on the base OLD is, and whether all will have moved in time.

    Done, running, blocked, waiting, waived, retired, with the next command for each. Exits 1 when
    one is blocked, when one that was not begun has no time left, or when the pace will not do.
    """
    from adapterctl.jobs.campaign import campaign
    from adapterctl.render.campaign import as_json, as_text

    project = open_project(ctx, as_of=as_of)
    found = campaign(project, base, to=to, plans=not quick, device=device)
    if form == "json":
        click.echo(as_json(found, as_of=project.today))
    else:
        click.echo(as_text(found, colour=has_colours()))
    return int(found.against)
