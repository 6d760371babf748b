"""``adapterctl report``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from adapterctl.cli.options import (
    DayCount,
    as_of_option,
    complete_bases,
    format_option,
    open_project,
)


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    required=True,
    help="The folder to write; an older report in it is replaced whole.",
)
@click.option("--horizon", type=DayCount(), help="How far ahead to look, as 180d; default: policy.")
@click.option("--owner", metavar="TEAM", help="Only adapters that this team owns or covers for.")
@click.option("--base", metavar="ID", shell_complete=complete_bases, help="Only on this base.")
@click.option("--offline", is_flag=True, help="Ask nothing of the world, only the registry.")
@click.option("--all", "every", is_flag=True, help="Every version, not only those in use.")
@as_of_option
@format_option("json")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    out: Path,
    horizon: int | None,
    owner: str | None,
    base: str | None,
    offline: bool,
    every: bool,
    as_of: date | None,
    form: str,
) -> None:
    """Write the audit as a static page that a manager can read, with one more per adapter.

    When bases end, the adapters on each, what to do. It needs no server and no network; open
    DIR/index.html. The exit status says that it was written; what was found is audit's to judge.
    """
    from adapterctl.jobs.report import dossiers, examine, publish
    from adapterctl.render.page import site
    from adapterctl.render.report import as_json, as_text

    project = open_project(ctx, as_of=as_of)
    cuts = {"owner": owner, "base": base}
    seen = examine(project, out=out, horizon_days=horizon, every=every, world=not offline, **cuts)
    written = publish(out, seen, site(seen, dossiers(project, seen)))
    text = as_json(written, as_of=project.today) if form == "json" else as_text(written)
    click.echo(text)
