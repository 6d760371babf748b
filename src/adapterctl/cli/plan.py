"""``adapterctl plan``."""

from __future__ import annotations

from datetime import date

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import (
    as_of_option,
    complete_adapters,
    complete_bases,
    format_option,
    open_project,
)


@click.command("plan")
@click.argument("adapter", metavar="[NAME]", required=False, shell_complete=complete_adapters)
@click.option(
    "--on-base", metavar="OLD", shell_complete=complete_bases, help="All adapters on OLD."
)
@click.option("--to", required=True, metavar="NEW", shell_complete=complete_bases)
@as_of_option
@format_option("json")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapter: str | None,
    on_base: str | None,
    to: str,
    as_of: date | None,
    form: str,
) -> int:
    """Show what a rebuild on the base NEW would change, and what blocks it; trains nothing.

    NAME alone is the champion, or else the newest version. Exits 1 when something blocks it.
    """
    if bool(adapter) == bool(on_base):
        raise click.UsageError("name an adapter, or give --on-base OLD")
    answer, can_run = _answered(ctx, adapter, on_base=on_base, to=to, as_of=as_of, form=form)
    click.echo(answer)
    return int(not can_run)


def _answered(
    ctx: click.Context,
    adapter: str | None,
    *,
    on_base: str | None,
    to: str,
    as_of: date | None,
    form: str,
) -> tuple[str, bool]:
    from adapterctl.jobs.plan import plan, plan_all
    from adapterctl.render import plan as render

    project = open_project(ctx, as_of=as_of)
    if adapter is None:
        fleet = plan_all(project, on_base=str(on_base), to=to)
        if form == "json":
            return render.fleet_as_json(fleet, as_of=project.today), fleet.can_run
        return render.fleet_as_text(fleet, colour=has_colours()), fleet.can_run
    one = plan(project, adapter, to=to)
    if form == "json":
        return render.as_json([one], as_of=project.today), one.can_run
    return render.as_text(one, colour=has_colours()), one.can_run
