"""``adapterctl promote``."""

from __future__ import annotations

import click

from adapterctl.cli.options import adapter_argument, format_option, open_project
from adapterctl.cli.rollback import say_moved


@click.command("promote")
@adapter_argument
@click.option("--because", metavar="TEXT", help="Why; needed without a passed parity report.")
@format_option()
@click.pass_context
def command(ctx: click.Context, *, adapter: str, because: str | None, form: str) -> int:
    """Make NAME@VERSION (or NAME@candidate) the champion.

    Without a passed parity report it is refused unless a reason is given, which is recorded; a
    first champion needs none.
    """
    from adapterctl.jobs.promote import promote

    project = open_project(ctx)
    say_moved("promote", project, promote(project, adapter, because=because), form=form)
    return 0
