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
) -> int:
    """Declare the base ID: exactly one of --path, --hub and --provider."""
    from adapterctl.jobs import bases as jobs
    from adapterctl.records.base import BaseSource

    if [folder, hub, provider].count(None) != 2:
        raise click.UsageError("give exactly one of --path, --hub and --provider")
    project = open_project(ctx)
    jobs.check_name(base)
    if folder is not None:
        added = jobs.add_folder(project, base, folder=folder)
    elif hub is not None:
        repo, _, revision = hub.partition("@")
        added = jobs.add_from_hub(project, base, repo=repo, revision=revision or "main")
    else:
        source = BaseSource(provider=provider, model=model, region=region)
        added = jobs.add_hosted(project, base, source=source)
    click.echo(render.added(added.base, new=added.new))
    click.echo(git_add([added.path.relative_to(project.root).as_posix()]))
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
    click.echo(git_add([given.path.relative_to(project.root).as_posix()]))
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
