"""``adapterctl evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import (
    adapter_argument,
    device_option,
    format_option,
    open_project,
    secret,
)
from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add, metric_lines


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
@click.option(
    "--endpoint",
    metavar="URL",
    help="Ask an OpenAI-compatible API, and record its predictions; no base is loaded.",
)
@click.option("--served-as", metavar="NAME", help="Its name at the endpoint.")
@click.option("--api-key", metavar="env:VAR", help="The variable that holds the endpoint's key.")
@device_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapter: str,
    folder: Path | None,
    out: Path | None,
    endpoint: str | None,
    served_as: str | None,
    api_key: str | None,
    device: str,
    form: str,
) -> int:
    """Evaluate NAME[@VERSION|@ALIAS] on its evaluation sets."""
    from adapterctl.jobs import evaluate as jobs

    if endpoint is None and (served_as or api_key):
        raise click.UsageError("--served-as and --api-key go with --endpoint URL")
    if endpoint is not None and folder is not None:
        raise click.UsageError("--adapter and --endpoint each name an adapter: keep one")
    key = secret(api_key)
    project = open_project(ctx)
    if endpoint is not None:
        found = jobs.evaluate_endpoint(
            project, adapter, url=endpoint, served_as=served_as, key=key, out=out
        )
    elif folder is not None:
        found = jobs.evaluate_folder(project, adapter, folder=folder, out=out, device=device)
    else:
        found = jobs.evaluate_version(project, adapter, out=out, device=device)
    if form == "json":
        result = {"adapter": found.adapter, "version": found.version, "metrics": found.metrics}
        click.echo(envelope("evaluate", as_of=project.today, results=[result]))
    else:
        click.echo("\n".join(metric_lines(found.metrics)))
        if found.written:
            click.echo(git_add(found.written))
    return 0
