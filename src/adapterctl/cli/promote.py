"""``adapterctl promote``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from adapterctl.cli.options import complete_adapters, complete_bases, format_option, open_project
from adapterctl.cli.rollback import say_moved

if TYPE_CHECKING:
    from adapterctl.jobs.project import Project


@click.command("promote")
@click.argument("adapter", metavar="[NAME]", required=False, shell_complete=complete_adapters)
@click.option(
    "--on-base", metavar="OLD", shell_complete=complete_bases, help="All adapters on OLD."
)
@click.option("--passed", is_flag=True, help="With --on-base: those whose candidate passed.")
@click.option("--because", metavar="TEXT", help="Why; needed without a passed parity report.")
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapter: str | None,
    on_base: str | None,
    passed: bool,
    because: str | None,
    form: str,
) -> int:
    """Make NAME@VERSION (or NAME@candidate) the champion.

    Without a passed parity report it is refused unless a reason is given, which is recorded; a
    first champion needs none. --on-base OLD --passed moves every adapter on OLD whose candidate
    passed, says why the others stay, and exits 1 when one does.
    """
    from adapterctl.jobs.promote import promote

    if bool(adapter) == bool(on_base) or passed != bool(on_base):
        raise click.UsageError("name a version, or give --on-base OLD --passed")
    project = open_project(ctx)
    if on_base is not None:
        return _all_that_passed(project, on_base, because=because, form=form)
    say_moved("promote", project, promote(project, str(adapter), because=because), form=form)
    return 0


def _all_that_passed(project: Project, base: str, *, because: str | None, form: str) -> int:
    from adapterctl.jobs.promote_fleet import promote_passed
    from adapterctl.render.promotions import as_json, as_text

    found = promote_passed(project, on_base=base, because=because)
    if form == "json":
        click.echo(as_json(found, as_of=project.today))
    else:
        click.echo(as_text(found))
    return int(bool(found.stay))
