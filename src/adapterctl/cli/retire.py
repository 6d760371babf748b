"""``adapterctl retire``."""

from __future__ import annotations

import click

from adapterctl.cli.options import adapter_argument, format_option, open_project
from adapterctl.cli.rollback import say_moved


@click.command("retire")
@adapter_argument
@click.option("--because", metavar="TEXT", required=True, help="Why it is not needed any more.")
@format_option()
@click.pass_context
def command(ctx: click.Context, *, adapter: str, because: str, form: str) -> int:
    """End the service of NAME: it holds no alias any more, and the audit leaves it out."""
    from adapterctl.jobs.promote import retire

    project = open_project(ctx)
    say_moved("retire", project, retire(project, adapter, because=because), form=form)
    return 0
