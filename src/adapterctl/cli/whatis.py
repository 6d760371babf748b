"""``adapterctl whatis``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import format_option, open_project


@click.command("whatis")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@format_option()
@click.pass_context
def command(ctx: click.Context, *, file: Path, form: str) -> int:
    """Name a stray safetensors file, or a PEFT folder, by its content.

    Looks through every registered version and base. Exits 1 when none has these weights, and
    says what can be read from them.
    """
    from adapterctl.jobs.whatis import whatis
    from adapterctl.render.whatis import as_json, as_text

    project = open_project(ctx)
    named, skipped = whatis(project, file)
    if form == "json":
        click.echo(as_json(named, skipped, as_of=project.today))
    else:
        click.echo(as_text(named, skipped))
    return int(not named.names)
