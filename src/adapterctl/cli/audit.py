"""``adapterctl audit``."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import (
    DayCount,
    as_of_option,
    complete_bases,
    format_option,
    open_project,
)

if TYPE_CHECKING:
    from adapterctl.render.audit import By
    from adapterctl.rules.findings import Severity

SEVERITIES = ("critical", "high", "medium", "low", "info")


@click.command()
@click.option("--horizon", type=DayCount(), help="How far ahead to look, as 180d; default: policy.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="high",
    show_default=True,
    help="Exit 1 when a finding that is not waived is at least this severe.",
)
@click.option("--owner", metavar="TEAM", help="Only adapters that this team owns or covers for.")
@click.option("--base", metavar="ID", shell_complete=complete_bases, help="Only on this base.")
@click.option("--by", type=click.Choice(["owner", "base", "month"]), help="Group the findings.")
@click.option("--offline", is_flag=True, help="Ask nothing of the world, only the registry.")
@click.option("--strict", is_flag=True, help="Exit 1 also when something could not be judged.")
@click.option("--all", "every", is_flag=True, help="Every version, not only those in use.")
@as_of_option
@format_option("json")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    horizon: int | None,
    fail_on: Severity,
    owner: str | None,
    base: str | None,
    by: By | None,
    offline: bool,
    strict: bool,
    every: bool,
    as_of: date | None,
    form: str,
) -> int:
    """Say which adapters die, when, and by when work must start.

    Judges the versions that hold an alias, else the newest, from the registry alone; ranked by
    slack. Exits 1 when a finding counts against, 0 when none does, 3 when it cannot answer.
    """
    from adapterctl.jobs.audit import audit
    from adapterctl.render.audit import as_json, as_text
    from adapterctl.rules.findings import fails

    project = open_project(ctx, as_of=as_of)
    answer = audit(project, horizon_days=horizon, owner=owner, base=base, every=every)
    text = as_json(answer) if form == "json" else as_text(answer, by=by, colour=has_colours())
    click.echo(text)
    return int(fails(answer, fail_on=fail_on, strict=strict))
