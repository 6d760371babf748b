"""``adapterctl pull``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import adapter_argument, format_option, open_project
from adapterctl.render.answer import envelope


@click.command("pull")
@adapter_argument
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path))
@format_option()
@click.pass_context
def command(ctx: click.Context, *, adapter: str, out: Path, form: str) -> int:
    """Fetch the verified adapter folder of NAME[@VERSION|@ALIAS] into the new folder DIR."""
    from adapterctl.jobs.pull import pull

    project = open_project(ctx)
    found = pull(project, adapter, out=out.absolute())
    if form == "json":
        click.echo(envelope("pull", as_of=project.today, results=[vars(found) | {"out": str(out)}]))
    else:
        click.echo(f"{found.adapter}@{found.version} is in {out}, hashed and equal to its record")
        shown = f"fingerprint {found.fingerprint}" if found.fingerprint else "stated, unverified"
        click.echo(f"  serve it on {found.base}, {shown}")
    return 0
