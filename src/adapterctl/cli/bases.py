"""``adapterctl bases``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import complete_bases, format_option, open_project
from adapterctl.render import bases as render
from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add


@click.group("bases")
def command() -> None:
    """Declare bases and fingerprint them."""


@command.command("add")
@click.argument("base", metavar="ID")
@click.option("--path", "folder", type=click.Path(path_type=Path), help="A folder with weights.")
@click.option("--hub", metavar="REPO@REV", help="A Hugging Face repository; REV defaults to main.")
@click.option("--provider", metavar="P", help="A provider that hosts the base.")
@click.option("--model", metavar="NAME", help="Its name at the provider.")
@click.option("--region", metavar="R", help="The provider's region.")
@click.option(
    "--fingerprint",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What `bases fingerprint` wrote where the weights lie; none are read here.",
)
@click.pass_context
def add(
    ctx: click.Context,
    *,
    base: str,
    folder: Path | None,
    hub: str | None,
    provider: str | None,
    model: str | None,
    region: str | None,
    fingerprint: Path | None,
) -> int:
    """Declare the base ID: exactly one of --path, --hub and --provider."""
    from adapterctl.jobs import bases as jobs
    from adapterctl.records.base import BaseSource

    if [folder, hub, provider].count(None) != 2:
        raise click.UsageError("give exactly one of --path, --hub and --provider")
    if fingerprint is not None and provider is not None:
        raise click.UsageError("a base at a provider has no fingerprint")
    project = open_project(ctx)
    jobs.check_name(base)
    if fingerprint is not None:
        source = BaseSource(path=str(folder)) if folder is not None else BaseSource(hub=hub)
        added = jobs.add_fingerprinted(project, base, source=source, file=fingerprint)
    elif folder is not None:
        added = jobs.add_folder(project, base, folder=folder)
    elif hub is not None:
        repo, _, revision = hub.partition("@")
        added = jobs.add_from_hub(project, base, repo=repo, revision=revision or "main")
    else:
        source = BaseSource(provider=provider, model=model, region=region)
        added = jobs.add_hosted(project, base, source=source)
    click.echo(render.added(added.base, new=added.new, twins=added.twins))
    click.echo(git_add([path.relative_to(project.root).as_posix() for path in added.written]))
    return 0


@command.command("list")
@format_option()
@click.pass_context
def list_(ctx: click.Context, *, form: str) -> int:
    """List the declared bases."""
    from adapterctl.jobs.bases import listed

    project = open_project(ctx)
    found = listed(project)
    if form == "json":
        click.echo(envelope("bases list", as_of=project.today, results=found))
    else:
        click.echo(render.listed(found))
    return 0


@command.command("show")
@click.argument("base", metavar="ID", shell_complete=complete_bases)
@format_option()
@click.pass_context
def show(ctx: click.Context, *, base: str, form: str) -> int:
    """Show one base."""
    project = open_project(ctx)
    found = project.registry.base(base)
    if form == "json":
        click.echo(envelope("bases show", as_of=project.today, results=[found]))
    else:
        click.echo(render.shown(found))
    return 0


@command.command("alias")
@click.argument("base", metavar="ID", shell_complete=complete_bases)
@click.argument("other", metavar="NAME")
@click.pass_context
def alias(ctx: click.Context, *, base: str, other: str) -> int:
    """Record another NAME under which feeds and adapters speak of the base ID."""
    from adapterctl.jobs.bases import alias as give_alias

    project = open_project(ctx)
    given = give_alias(project, base, other=other)
    click.echo(f"{base} is also known as {', '.join(given.base.names)}")
    click.echo(git_add([path.relative_to(project.root).as_posix() for path in given.written]))
    return 0


@command.command("fingerprint")
@click.argument("target", metavar="ID|DIR", shell_complete=complete_bases)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write it as JSON.")
@format_option()
@click.pass_context
def fingerprint(ctx: click.Context, *, target: str, out: Path | None, form: str) -> int:
    """Fingerprint a base, or any folder of weights."""
    from adapterctl.jobs.bases import fingerprint as take

    project = open_project(ctx)
    found = take(project, target, out=out)
    if form == "json":
        click.echo(envelope("bases fingerprint", as_of=project.today, results=[found]))
    else:
        click.echo(render.identity(found))
    return 0


@command.command("mirror")
@click.argument("base", metavar="ID", shell_complete=complete_bases)
@click.option("--to", "place", metavar="DIR", required=True, type=click.Path(path_type=Path))
@format_option()
@click.pass_context
def mirror(ctx: click.Context, *, base: str, place: Path, form: str) -> int:
    """Keep a verified copy of the base ID in the folder DIR, for when its source is gone."""
    from adapterctl.jobs.base_mirror import mirror as copy

    project = open_project(ctx)
    made = copy(project, base, place=place)
    written = made.path.relative_to(project.root).as_posix()
    if form == "json":
        result = {"base": made.base, "mirror": made.place, "files": made.files, "bytes": made.bytes}
        click.echo(envelope("bases mirror", as_of=project.today, results=[result]))
    else:
        click.echo(f"{base} is mirrored in {made.place}: {made.files} files, {made.bytes:,} bytes")
        click.echo(git_add([written]))
    return 0
