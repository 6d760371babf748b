"""``adapterctl register``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from adapterctl.cli.options import Day, as_of_option, device_option, format_option, open_project
from adapterctl.render import filed as render
from adapterctl.render.answer import envelope
from adapterctl.render.gates import as_text, results

if TYPE_CHECKING:
    from adapterctl.jobs.filing import Filed
    from adapterctl.jobs.gates import NotRebuildable
    from adapterctl.jobs.project import Project


@click.command("register")
@click.argument("recipe", type=click.Path(path_type=Path), required=False)
@click.option(
    "--adapter",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Take this PEFT folder instead of training.",
)
@click.option(
    "--capsule",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Register what RegisterCallback left here; names its recipe by itself.",
)
@click.option("--run", metavar="RUN_ID", help="Take the adapter that this MLflow run left.")
@click.option(
    "--predictions",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Record these answers for the version that is there; nothing is trained.",
)
@click.option("--check", is_flag=True, help="Run only the gates that need no weights.")
@click.option("--accept", metavar="CODE", multiple=True, help="Let a gap through until a day.")
@click.option("--reason", metavar="TEXT", help="Why it can wait, with --accept.")
@click.option("--until", type=Day(), help="The last day on which it is accepted, with --accept.")
@device_option
@as_of_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    recipe: Path | None,
    adapter: Path | None,
    capsule: Path | None,
    run: str | None,
    predictions: Path | None,
    check: bool,
    accept: tuple[str, ...],
    reason: str | None,
    until: date | None,
    device: str,
    as_of: date | None,
    form: str,
) -> int:
    """Register the adapter that RECIPE describes as a new version.

    Pins base, data, code, recipe and environment, trains (or takes DIR), evaluates, files the
    version in the registry and DVC, and mirrors it to MLflow. What could not be rebuilt later is
    refused before anything is trained, with every gap at once. The same five sources again give
    the existing version.
    """
    from adapterctl.jobs.gates import NotRebuildable

    taken = Taken(adapter, capsule, run)
    path = _recipe(recipe, taken)
    project = open_project(ctx, as_of=as_of)
    if predictions is not None:
        if any(taken) or check or accept:
            raise click.UsageError("--predictions FILE goes with RECIPE and no other option")
        return _record(project, path, predictions, form=form)
    accepted = _accepted(project, path, accept, reason=reason, until=until)
    if check:
        return _check(project, path, capsule=capsule, form=form)
    try:
        filed = _register(project, path, taken, device=device)
    except NotRebuildable as refused:
        return _refused(project, refused, form=form)
    return _filed(project, filed, accepted, form=form)


class Taken(NamedTuple):
    """Where an adapter is taken from, instead of being trained: one of these, or none."""

    adapter: Path | None
    capsule: Path | None
    run: str | None


def _register(project: Project, recipe: Path, taken: Taken, *, device: str) -> Filed:
    from adapterctl.jobs import register as jobs

    if taken.capsule is not None:
        return jobs.register_capsule(project, taken.capsule, device=device)
    if taken.run is not None:
        return jobs.register_run(project, recipe, taken.run, device=device)
    return jobs.register(project, recipe, adapter=taken.adapter, device=device)


def _refused(project: Project, refused: NotRebuildable, *, form: str) -> int:
    if form == "json":
        click.echo(envelope("register", as_of=project.today, results=results(refused.gates)))
    else:
        click.echo(as_text(refused.gates))
    return refused.exit_status


def _filed(project: Project, filed: Filed, accepted: list[str], *, form: str) -> int:
    if form == "json":
        result = render.version_result(filed.record, new=filed.new, pending=filed.pending)
        click.echo(envelope("register", as_of=project.today, results=[result]))
    else:
        click.echo(render.version_text(filed.record, new=filed.new, pending=filed.pending))
        click.echo(render.git_add([*filed.written, *accepted]))
    return 0


def _record(project: Project, recipe: Path, file: Path, *, form: str) -> int:
    from adapterctl.jobs.recorded import record_file

    found = record_file(project, recipe, file)
    if form == "json":
        result = {"adapter": found.adapter, "version": found.version, "metrics": found.metrics}
        click.echo(envelope("register", as_of=project.today, results=[result]))
        return 0
    rows = ", ".join(f"{name} {count:,}" for name, count in found.rows.items())
    click.echo(f"predictions of {found.adapter}@{found.version} recorded; rows: {rows}")
    click.echo("\n".join(render.metric_lines(found.metrics)))
    click.echo(render.git_add(found.written))
    return 0


def _recipe(recipe: Path | None, taken: Taken) -> Path:
    """Returns the recipe that is meant: a capsule holds its own."""
    if taken.capsule is None and recipe is not None:
        if taken.adapter and taken.run:
            raise click.UsageError("--adapter and --run each name an adapter: keep one")
        return recipe
    if taken.capsule is None or recipe is not None or taken.adapter or taken.run:
        raise click.UsageError("name a RECIPE, or --capsule DIR and no more")
    return taken.capsule / "recipe.yaml"


def _accepted(
    project: Project,
    recipe: Path,
    codes: tuple[str, ...],
    *,
    reason: str | None,
    until: date | None,
) -> list[str]:
    """Writes the waivers asked for; returns the files that they stand in."""
    from adapterctl.jobs import gates

    if not codes and (reason or until):
        raise click.UsageError("--reason and --until go with --accept CODE")
    if not codes:
        return []
    if reason is None or until is None:
        raise click.UsageError("--accept needs --reason TEXT and --until DATE")
    return gates.accept(project, recipe, codes, reason=reason, until=until)


def _check(project: Project, recipe: Path, *, capsule: Path | None, form: str) -> int:
    from adapterctl.jobs import gates

    checked = gates.check(project, recipe, capsule=capsule)
    refused = any(each.refuses for each in checked.gates)
    if form == "json":
        click.echo(envelope("register", as_of=project.today, results=results(checked.gates)))
        return int(refused)
    if checked.gates:
        click.echo(as_text(checked.gates))
    if not refused:
        rows = ", ".join(f"{name} {count:,}" for name, count in checked.rows.items())
        click.echo(f"{checked.recipe.adapter} can be registered; rows: {rows}")
    return int(refused)
