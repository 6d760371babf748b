"""``adapterctl waive``."""

from __future__ import annotations

from datetime import date

import click

from adapterctl.cli.options import Day, as_of_option, format_option, open_project
from adapterctl.render import waive as render
from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add


@click.command("waive")
@click.argument("code", metavar="CODE")
@click.argument("subjects", metavar="SUBJECT...", nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", required=True, help="Why it can wait.")
@click.option("--until", type=Day(), required=True, help="The last day on which it is accepted.")
@as_of_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    code: str,
    subjects: tuple[str, ...],
    reason: str,
    until: date,
    as_of: date | None,
    form: str,
) -> None:
    """Accept the findings of CODE about SUBJECT until a date.

    SUBJECT is adapter:NAME (every version), adapter:NAME@VERSION, base:ID or target:REGION. The
    audit goes on showing what is accepted; after the last day it counts again.
    """
    from adapterctl.jobs.waive import waive

    project = open_project(ctx, as_of=as_of)
    waived = waive(project, code, subjects, reason=reason, until=until)
    if form == "json":
        results = [render.result(one) for one in waived.acceptances]
        click.echo(envelope("waive", as_of=project.today, results=results))
        return
    click.echo(render.as_text(waived.acceptances))
    if waived.written:
        click.echo(git_add(waived.written))
