"""``adapterctl compare``."""

from __future__ import annotations

import click

from adapterctl.cli.options import (
    complete_adapters,
    device_option,
    format_option,
    noise_floor_option,
    open_project,
)
from adapterctl.render.answer import envelope
from adapterctl.render.parity import as_text
from adapterctl.render.rebuild import compared_result
from adapterctl.render.rows_beside import as_text as rows_text

FEW_ROWS = 20


@click.command("compare")
@click.argument("old", metavar="A", shell_complete=complete_adapters)
@click.argument("new", metavar="B", shell_complete=complete_adapters)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=FEW_ROWS,
    metavar="[N]",
    help=f"List N rows that flipped, {FEW_ROWS} without a number; sensitive ones by digest.",
)
@noise_floor_option
@device_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    old: str,
    new: str,
    rows: int | None,
    noise_floor: int,
    device: str,
    form: str,
) -> int:
    """Give the parity report of version B against version A; exits 1 unless it is PASS."""
    from adapterctl.jobs.compare import compare

    project = open_project(ctx)
    found = compare(project, old, new, rows=rows, seeds=noise_floor, device=device)
    if form == "json":
        result = compared_result(found.old, found.new, found.report, rows=found.rows)
        click.echo(envelope("compare", as_of=project.today, results=[result]))
    else:
        click.echo(as_text(found.report))
        if found.rows is not None:
            click.echo(rows_text(found.rows))
    return int(found.report.verdict != "PASS")
