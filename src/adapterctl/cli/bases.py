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
    from click.shell_completion import CompletionItem

    from adapterctl.jobs.inputs.base_entry import AddedBase
    from adapterctl.jobs.project import Project


@click.group("bases")
def command() -> None:
    """Declare bases and fingerprint them."""


def complete_known(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes the name of a base of the catalogue."""
    from click.shell_completion import CompletionItem

    from adapterctl.stores.catalogue import entries

    names = (entry.base for entry in entries())
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@command.command("add")
@click.argument("base", metavar="ID", shell_complete=complete_known)
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
    """Declare the base ID: by one of --path, --hub and --provider.

    Without any of them, ID is a base of the catalogue (bases list --catalogue), and is declared
    as it stands there: the revision of a repository is then still to be pinned, by --hub. With
    --provider alone, the catalogue says what the provider calls it.
    """
    _must_agree(
        [folder, hub, provider],
        no_download=no_download and (hub is None or fingerprint is not None),
        there=(model, region) != (None, None) and provider is None,
        fingerprint=fingerprint is not None and folder is None and hub is None,
    )
    project = open_project(ctx)
    if provider is not None and model is None:
        model = _model_at(base, provider)
    source = BaseSource(
        path=str(folder) if folder else None, hub=hub, provider=provider, model=model, region=region
    )
    added = _added(project, base, source, no_download=no_download, fingerprint=fingerprint)
    click.echo(render.added(added.base, new=added.new, twins=added.twins))
    click.echo(git_add([path.relative_to(project.root).as_posix() for path in added.written]))
    return 0


def _must_agree(
    sources: list[object], *, no_download: bool, there: bool, fingerprint: bool
) -> None:
    if sources.count(None) < 2:
        raise click.UsageError("give exactly one of --path, --hub and --provider")
    if fingerprint:
        raise click.UsageError("--fingerprint is for a base at a --path or a --hub")
    if there:
        raise click.UsageError("--model and --region are for a base at a --provider")
    if no_download:
        raise click.UsageError("--no-download is for --hub, without a --fingerprint")


def _model_at(base: str, provider: str) -> str:
    from adapterctl.rules.names.catalogued import called_at
    from adapterctl.stores.catalogue import entry

    known = entry(base)
    model = called_at(known, provider) if known else None
    if model is None:
        raise click.UsageError("--provider needs --model: the base's name there")
    return model


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
    if source.provider is not None:
        return jobs.add_hosted(project, base, source=source)
    if source.hub is None:
        return _add_known(project, base)
    repo, _, revision = source.hub.partition("@")
    declare = jobs.add_listed if no_download else jobs.add_from_hub
    return declare(project, base, repo=repo, revision=revision or "main")


def _add_known(project: Project, base: str) -> AddedBase:
    from adapterctl.jobs.catalogue import add_known
    from adapterctl.rules.names.catalogued import looked_up
    from adapterctl.stores.catalogue import entries, entry

    known = entry(base)
    if known is not None:
        return add_known(project, known)
    near = ", ".join([each.base for each in looked_up(base, entries())][:5])
    raise click.UsageError(
        "give exactly one of --path, --hub and --provider, or a base of the catalogue"
        + (f": {near}" if near else "; bases list --catalogue lists it")
    )


@command.command("list")
@click.option(
    "--catalogue",
    metavar="[TEXT]",
    is_flag=False,
    flag_value="",
    help="The bases that adapterctl knows instead, or those in which TEXT occurs.",
)
@format_option()
@click.pass_context
def list_(ctx: click.Context, *, catalogue: str | None, form: str) -> int:
    """List the declared bases, or those of the catalogue to declare from."""
    from adapterctl.jobs.bases import listed

    project = open_project(ctx)
    if catalogue is not None:
        return _list_known(project, catalogue, form)
    found = listed(project)
    if form == "json":
        click.echo(envelope("bases list", as_of=project.today, results=found))
    else:
        click.echo(render.listed(found))
    return 0


def _list_known(project: Project, text: str, form: str) -> int:
    from adapterctl.rules.names.catalogued import looked_up
    from adapterctl.stores.catalogue import entries

    found = looked_up(text, entries())
    if form == "json":
        click.echo(envelope("bases list", as_of=project.today, results=found))
    else:
        click.echo(render.known(found))
    return 0


@command.command("show")
@click.argument("base", metavar="ID", shell_complete=complete_bases)
@format_option()
@click.pass_context
def show(ctx: click.Context, *, base: str, form: str) -> int:
    """Show one base, and the names under which feeds know its dates."""
    from adapterctl.jobs.base_names import found_under

    project = open_project(ctx)
    found = project.registry.base(base)
    joins = found_under(project, found)
    if form == "json":
        results = [render.shown_as_json(found, joins)]
        click.echo(envelope("bases show", as_of=project.today, results=results))
    else:
        click.echo(render.shown(found, joins))
    return 0


@command.command("alias")
@click.argument("base", metavar="ID", shell_complete=complete_bases)
@click.argument("others", metavar="NAME...", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Take the names off the base again.")
@format_option()
@click.pass_context
def alias(
    ctx: click.Context, *, base: str, others: tuple[str, ...], remove: bool, form: str
) -> int:
    """Record other NAMEs under which feeds and adapters speak of the base ID."""
    from adapterctl.jobs import base_names as jobs

    project = open_project(ctx)
    given = (jobs.take_back if remove else jobs.alias)(project, base, others=others)
    if form == "json":
        click.echo(envelope("bases alias", as_of=project.today, results=[given.base]))
        return 0
    click.echo(render.named(given.base))
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
