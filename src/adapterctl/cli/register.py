"""``adapterctl register``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import device_option, format_option, open_project
from adapterctl.render import filed as render
from adapterctl.render.answer import envelope


@click.command("register")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--adapter",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Take this PEFT folder instead of training.",
)
@click.option("--check", is_flag=True, help="Run only the gates that need no weights.")
@device_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context, *, recipe: Path, adapter: Path | None, check: bool, device: str, form: str
) -> int:
    """Register the adapter that RECIPE describes as a new version.

    Pins base, data, code, recipe and environment, trains (or takes DIR), evaluates, files the
    version in the registry and DVC, and mirrors it to MLflow. The same five sources again give
    the existing version.
    """
    from adapterctl.jobs import register as jobs

    project = open_project(ctx)
    if check:
        sources = jobs.check(project, recipe)
        rows = ", ".join(f"{name} {len(rows):,}" for name, rows in sources.rows.items())
        click.echo(f"{sources.recipe.adapter} can be registered; rows: {rows}")
        return 0
    filed = jobs.register(project, recipe, adapter=adapter, device=device)
    if form == "json":
        result = render.version_result(filed.record, new=filed.new, pending=filed.pending)
        click.echo(envelope("register", as_of=project.today, results=[result]))
    else:
        click.echo(render.version_text(filed.record, new=filed.new, pending=filed.pending))
        click.echo(render.git_add(filed.written))
    return 0
