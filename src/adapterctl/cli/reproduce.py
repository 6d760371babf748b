"""``adapterctl reproduce``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import click

from adapterctl.cli.options import (
    DayCount,
    as_of_option,
    complete_adapters,
    device_option,
    format_option,
    open_project,
)
from adapterctl.render.answer import envelope
from adapterctl.render.reproduce import failed, failed_result, result, text
from adapterctl.rules.outcomes import NotReproduced, Reproduction

if TYPE_CHECKING:
    from adapterctl.jobs.project import Project
    from adapterctl.rules.findings import Skipped


@click.command("reproduce")
@click.argument("adapter", metavar="[NAME]", required=False, shell_complete=complete_adapters)
@click.option("--all", "every", is_flag=True, help="The drill: all versions that hold an alias.")
@click.option(
    "--older-than",
    type=DayCount(),
    help="With --all: only where the last proof is older, as 90d; default: drill_days.",
)
@device_option
@as_of_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapter: str | None,
    every: bool,
    older_than: int | None,
    device: str,
    as_of: date | None,
    form: str,
) -> int:
    """Rebuild NAME[@VERSION|@ALIAS] on its own base, from an empty cache in a clean process.

    Exits 0 when the adapter is bit-identical, 1 with the first differing step and its likely cause
    when it is not. One that a trainer command trained is held to equal inputs; whether it is
    bit-identical is said. With --all, what stops one adapter stops no other.
    """
    from adapterctl.jobs import drill
    from adapterctl.jobs.reproduce import reproduce

    if every == bool(adapter) or (older_than is not None and not every):
        raise click.UsageError("name an adapter, or give --all, which --older-than goes with")
    project = open_project(ctx, as_of=as_of)
    if adapter:
        return _answer(project, [reproduce(project, adapter, device=device)], [], form=form)
    names, skipped = drill.due(project, older_than=older_than)
    for one in skipped:
        project.display.say(f"skipped {one.subject}: {one.reason}")
    if not names:
        project.display.say("no version in use is due")
    return _answer(project, drill.drill(project, names, device=device), skipped, form=form)


def _answer(
    project: Project,
    found: Iterable[Reproduction | NotReproduced],
    skipped: list[Skipped],
    *,
    form: str,
) -> int:
    """Writes each outcome as it comes, or all as one JSON object; returns the exit status."""
    kept, results = True, []
    for each in found:
        match each:
            case Reproduction():
                kept, said, shape = kept and each.kept, text(each), result(each)
            case NotReproduced():
                kept, said, shape = False, failed(each), failed_result(each)
        results.append(shape)
        if form == "text":
            click.echo(said)
    if form == "json":
        click.echo(envelope("reproduce", as_of=project.today, results=results, skipped=skipped))
    return int(not kept)
