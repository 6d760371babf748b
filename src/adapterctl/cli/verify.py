"""``adapterctl verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from adapterctl.cli.options import adapter_argument, format_option, open_project
from adapterctl.render.answer import envelope
from adapterctl.render.release import part_result, parts_text

if TYPE_CHECKING:
    from adapterctl.jobs.project import Project


@click.command("verify")
@adapter_argument
@click.option(
    "--behaviour",
    is_flag=True,
    help="Ask the version's probe again instead, and say what moved in this environment.",
)
@format_option()
@click.pass_context
def command(ctx: click.Context, *, adapter: str, behaviour: bool, form: str) -> int:
    """Check every pin of NAME[@VERSION|@ALIAS] against the world (promise B0).

    Fetches all bytes from the remote into an empty cache and hashes them; exits 1 when a pin
    does not hold. How the running environment differs is said and does not count (ENV003).

    With --behaviour a few fixed rows are prepared, tokenized and answered again as they were at
    registration; exits 1 when text, tokens, loss mask or outputs are not the same to the last bit.
    """
    project = open_project(ctx)
    return _behaviour(project, adapter, form) if behaviour else _pins(project, adapter, form)


def _pins(project: Project, adapter: str, form: str) -> int:
    from adapterctl.jobs.verify import verify

    parts = verify(project, adapter)
    if form == "json":
        results = [part_result(part) for part in parts]
        click.echo(envelope("verify", as_of=project.today, results=results))
    else:
        click.echo(parts_text(parts))
    return int(any(part.problem is not None for part in parts))


def _behaviour(project: Project, adapter: str, form: str) -> int:
    from adapterctl.jobs.probe import behaviour
    from adapterctl.render.behaviour import result, text

    found = behaviour(project, adapter)
    if form == "json":
        click.echo(envelope("verify", as_of=project.today, results=[result(found)]))
    else:
        click.echo(text(found))
    return int(not found.same)
