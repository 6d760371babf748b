"""``adapterctl import``, by a name that a module can have."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import format_option, open_project


@click.command("import")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--name", help="What the adapter is called; for a single folder.")
@click.option(
    "--manifest",
    metavar="CSV",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A table of folders: path, and what is known of name, team, base, data and recipe.",
)
@click.option(
    "--hosted",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A list (YAML, JSON, JSONL, CSV) of fine-tunes that live at a provider.",
)
@format_option("json")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    sources: tuple[str, ...],
    name: str | None,
    manifest: Path | None,
    hosted: Path | None,
    form: str,
) -> int:
    """Adopt adapters that exist already, with what can be recovered, and grade each.

    SOURCE is a folder that PEFT has saved or one that holds such folders, hub:REPO[@REV],
    s3://BUCKET/PREFIX or mlflow:NAME[/VERSION].
    Weights go to the DVC remote and records to the registry; pickled weights are never opened.
    Exits 1 when something could not be taken.
    """
    from adapterctl.jobs.adopting.hosted import import_hosted
    from adapterctl.jobs.adopting.import_answer import both
    from adapterctl.jobs.importing import import_adapters
    from adapterctl.render.filed import git_add
    from adapterctl.render.importing import as_json, as_text

    if not sources and manifest is None and hosted is None:
        raise click.UsageError("name a SOURCE, or give --manifest CSV or --hosted FILE", ctx)
    if name is not None and (manifest is not None or hosted is not None):
        raise click.UsageError("--name is for a SOURCE; a list has a column for it", ctx)
    project = open_project(ctx)
    done = import_adapters(project, sources, name=name, manifest=manifest)
    if hosted is not None:
        done = both(done, import_hosted(project, hosted))
    if form == "json":
        click.echo(as_json(done.results, as_of=project.today))
    else:
        click.echo(as_text(done.results, new=done.new))
        click.echo(git_add(done.written) if done.written else "", nl=bool(done.written))
    return int(any(result.error is not None for result in done.results))
