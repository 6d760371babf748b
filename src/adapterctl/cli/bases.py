"""``adapterctl bases``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapterctl.cli.options import complete_bases, format_option, open_project
from adapterctl.records.base import BaseSource
from adapterctl.render import bases as render
from adapterctl.render.answer import envelope
from adapterctl.render.filed import git_add

if TYPE_CHECKING:
    from adapterctl.jobs.inputs.base_entry import AddedBase
    from adapterctl.jobs.project import Project


@click.group("bases")
def command() -> None:
    """Declare bases and fingerprint them."""


@command.command("add")
@click.argument("base", metavar="ID")
@click.option("--path", "folder", type=click.Path(path_type=Path), help="A folder with weights.")
@click.option("--hub", metavar="REPO@REV", help="A Hugging Face repository; REV defaults to main.")
@click.option("--no-download", is_flag=True, help="With --hub: by the Hub's list of files alone.")
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
    no_download: bool,
    provider: str | None,
    model: str | None,
    region: str | None,
    fingerprint: Path | None,
) -> int:
    """Declare the base ID: exactly one of --path, --hub and --provider."""
    if [folder, hub, provider].count(None) != 2:
        raise click.UsageError("give exactly one of --path, --hub and --provider")
    if fingerprint is not None and provider is not None:
        raise click.UsageError("a base at a provider has no fingerprint")
    if (model, region) != (None, None) and provider is None:
        raise click.UsageError("--model and --region are for a base at a --provider")
    if provider is not None and model is None:
        raise click.UsageError("--provider needs --model: the base's name there")
    if no_download and (hub is None or fingerprint is not None):
        raise click.UsageError("--no-download is for --hub, without a --fingerprint")
    project = open_project(ctx)
    source = BaseSource(
        path=str(folder) if folder else None, hub=hub, provider=provider, model=model, region=region
    )
    added = _added(project, base, source, no_download=no_download, fingerprint=fingerprint)
    click.echo(render.added(added.base, new=added.new, twins=added.twins))
    click.echo(git_add([path.relative_to(project.root).as_posix() for path in added.written]))
    return 0


def _added(
    project: Project, base: str, source: BaseSource, *, no_download: bool, fingerprint: Path | None
) -> AddedBase:
    """Declares a base in the way that was asked for."""
    from adapterctl.jobs import bases as jobs

    jobs.check_name(base)
    if fingerprint is not None:
        return jobs.add_fingerprinted(project, base, source=source, file=fingerprint)
    if source.path is not None:
        return jobs.add_folder(project, base, folder=Path(source.path))
    if source.hub is None:
        return jobs.add_hosted(project, base, source=source)
    repo, _, revision = source.hub.partition("@")
    declare = jobs.add_listed if no_download else jobs.add_from_hub
    return declare(project, base, repo=repo, revision=revision or "main")


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
@click.option("--to", "place", metavar="PLACE", required=True, help="A folder, or s3://...")
@format_option()
@click.pass_context
def mirror(ctx: click.Context, *, base: str, place: str, form: str) -> int:
    """Keep a verified copy of the base ID in a folder or bucket, for when its source is gone."""
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
