"""``adapterctl rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from adapterctl.cli.options import adapter_argument, device_option, format_option, open_project
from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add
from adapterctl.render.release import move_lines, moved_result, part_result, parts_text

if TYPE_CHECKING:
    from adapterctl.jobs.project import Project
    from adapterctl.rules.campaign.promotions import Moved


@click.command("rollback")
@adapter_argument
@click.option("--check", is_flag=True, help="Only prove that the target resolves, hashes, loads.")
@click.option("--because", metavar="TEXT", help="Why.")
@device_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context, *, adapter: str, check: bool, because: str | None, device: str, form: str
) -> int:
    """Make the previous champion of NAME the champion again."""
    from adapterctl.jobs import rollback as jobs

    project = open_project(ctx)
    if not check:
        moved = jobs.rollback(project, adapter, because=because)
        say_moved("rollback", project, moved, form=form)
        return 0
    found = jobs.check(project, adapter, device=device)
    if form == "json":
        results = [part_result(part) for part in found.parts]
        click.echo(envelope("rollback", as_of=project.today, results=results))
    else:
        click.echo(
            f"rolling back to {found.adapter}@{found.version} would work:"
            if found.passed
            else f"rolling back to {found.adapter}@{found.version} would NOT work:"
        )
        click.echo(parts_text(found.parts))
    return int(not found.passed)


def say_moved(verb: str, project: Project, moved: Moved, *, form: str) -> None:
    """Writes what a release moved."""
    if form == "json":
        click.echo(envelope(verb, as_of=project.today, results=[moved_result(moved)]))
        return
    click.echo("\n".join(move_lines(moved)))
    click.echo(git_add(moved.written))
