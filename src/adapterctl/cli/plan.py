"""``adapterctl plan``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import (
    as_of_option,
    complete_adapters,
    complete_bases,
    device_option,
    format_option,
    open_project,
)

if TYPE_CHECKING:
    from adapterctl.rules.planning.plans import FleetPlan, RebuildPlan


@click.command("plan")
@click.argument("adapter", metavar="[NAME]", required=False, shell_complete=complete_adapters)
@click.option(
    "--on-base", metavar="OLD", shell_complete=complete_bases, help="All adapters on OLD."
)
@click.option("--to", required=True, metavar="NEW", shell_complete=complete_bases)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep the plan: rebuild --plan FILE runs exactly it.",
)
@device_option
@as_of_option
@format_option("json", "markdown")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapter: str | None,
    on_base: str | None,
    to: str,
    save: Path | None,
    device: str,
    as_of: date | None,
    form: str,
) -> int:
    """Show what a rebuild on the base NEW would change, and what blocks it; trains nothing.

    NAME alone is the champion, or else the newest version. Exits 1 when something blocks it.
    """
    from adapterctl.jobs.plan import plan, plan_all
    from adapterctl.jobs.saved_plan import keep

    if bool(adapter) == bool(on_base):
        raise click.UsageError("name an adapter, or give --on-base OLD")
    project = open_project(ctx, as_of=as_of)
    found: RebuildPlan | FleetPlan
    if adapter is not None:
        found = plan(project, adapter, to=to, device=device)
    else:
        found = plan_all(project, on_base=str(on_base), to=to, device=device)
    if save is not None:
        keep(project, found, save)
    click.echo(_rendered(found, as_of=project.today, form=form))
    return int(not found.can_run)


def _rendered(found: RebuildPlan | FleetPlan, *, as_of: date, form: str) -> str:
    from adapterctl.render import plan as render
    from adapterctl.rules.planning.plans import FleetPlan

    if isinstance(found, FleetPlan):
        return {
            "json": lambda: render.fleet_as_json(found, as_of=as_of),
            "markdown": lambda: render.fleet_as_markdown(found),
            "text": lambda: render.fleet_as_text(found, colour=has_colours()),
        }[form]()
    return {
        "json": lambda: render.as_json([found], as_of=as_of),
        "markdown": lambda: render.as_markdown(found),
        "text": lambda: render.as_text(found, colour=has_colours()),
    }[form]()
