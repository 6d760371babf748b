"""``adapterctl rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from adapterctl.cli.options import adapter_argument, device_option, format_option, open_project
from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add
from adapterctl.render.release import moved_text, part_result, parts_text

if TYPE_CHECKING:
    from adapterctl.jobs.project import Project
    from adapterctl.jobs.promote import Moved


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
        result = {
            "adapter": moved.adapter,
            "version": moved.version,
            "before": moved.before,
            "after": moved.after,
            "recipe_diff": moved.diff,
            "mirror_pending": moved.pending,
        }
        click.echo(envelope(verb, as_of=project.today, results=[result]))
        return
    click.echo(moved_text(moved.adapter, moved.before, moved.after))
    if moved.diff:
        click.echo(moved.diff)
    if moved.pending:
        click.echo(f"MLflow is pending ({moved.pending}); when it answers: adapterctl sync")
    click.echo(git_add(moved.written))
