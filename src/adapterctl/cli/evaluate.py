"""``adapterctl evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import adapter_argument, device_option, format_option, open_project
from adapterctl.render.answer import envelope
from adapterctl.render.filed import metric_lines


@click.command("evaluate")
@adapter_argument
@click.option(
    "--adapter",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Evaluate this PEFT folder instead of a registered version.",
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write the metrics.")
@device_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapter: str,
    folder: Path | None,
    out: Path | None,
    device: str,
    form: str,
) -> int:
    """Evaluate NAME[@VERSION|@ALIAS] on its evaluation sets."""
    from adapterctl.jobs import evaluate as jobs

    project = open_project(ctx)
    if folder is not None:
        found = jobs.evaluate_folder(project, adapter, folder=folder, out=out, device=device)
    else:
        found = jobs.evaluate_version(project, adapter, out=out, device=device)
    if form == "json":
        result = {"adapter": found.adapter, "version": found.version, "metrics": found.metrics}
        click.echo(envelope("evaluate", as_of=project.today, results=[result]))
    else:
        click.echo("\n".join(metric_lines(found.metrics)))
    return 0
