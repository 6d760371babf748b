"""``adapterctl lifecycle``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapterctl.cli.answering import has_colours
from adapterctl.cli.options import Day, as_of_option, complete_bases, format_option, open_project

if TYPE_CHECKING:
    from adapterctl.records.lifecycle import Phase
    from adapterctl.rules.feeds.rows import Feed

FEEDS = ("litellm", "deprecations-info", "modeldeprecations", "endoflife", "hub-cases")


@click.group()
def command() -> None:
    """Record until when bases and services live."""


@command.command()
@click.argument("base", shell_complete=complete_bases)
@click.option(
    "--phase",
    type=click.Choice(["serving", "tuning", "weights"]),
    required=True,
    help="Which end: of the service, of training on it, or of fetching the weights.",
)
@click.option("--shutdown", type=Day(), help="The promised last day.")
@click.option("--not-before", type=Day(), help="The earliest day, when none is promised.")
@click.option("--source", metavar="URL", required=True, help="Where it says so.")
@click.option(
    "--successor", metavar="BASE", shell_complete=complete_bases, help="The base to move to."
)
@click.option("--provider", help="Whose service; without it the date holds everywhere.")
@click.option("--region", help="In which region; without it the date holds in all.")
@click.option(
    "--tuned",
    is_flag=True,
    help="Of fine-tunes of BASE that live at the provider, if they end on another day than BASE.",
)
@as_of_option
@format_option("json")
@click.pass_context
def add(
    ctx: click.Context,
    *,
    base: str,
    phase: Phase,
    shutdown: date | None,
    not_before: date | None,
    source: str,
    successor: str | None,
    provider: str | None,
    region: str | None,
    tuned: bool,
    as_of: date | None,
    form: str,
) -> None:
    """Record a date about BASE.

    A shutdown is a promise, a not-before only the earliest day; given both, both are recorded,
    as two observations. A new date for the same phase, provider and region supersedes the old
    one, which stays in the ledger.
    """
    from adapterctl.jobs.lifecycle import Dates
    from adapterctl.jobs.lifecycle import add as record
    from adapterctl.render.lifecycle import added_as_json, added_as_text

    if shutdown is None and not_before is None:
        raise click.UsageError("give --shutdown DATE, --not-before DATE, or both", ctx)
    dates = Dates(
        phase=phase,
        source=source,
        shutdown=shutdown,
        not_before=not_before,
        successor=successor,
        provider=provider,
        region=region,
        tuned=tuned,
    )
    project = open_project(ctx, as_of=as_of)
    added = record(project, base, dates)
    as_json = form == "json"
    click.echo(added_as_json(added, as_of=project.today) if as_json else added_as_text(added))


@command.command()
@format_option("json")
@click.pass_context
def start(ctx: click.Context, *, form: str) -> None:
    """Begin with the dates that are known of the catalogue's bases.

    They come with adapterctl, each with its source and the day it was seen, and are written to
    registry/lifecycle/ as import would have. A feed that has a line there already is left alone;
    import brings a newer snapshot of it.
    """
    from adapterctl.jobs.catalogue import start as begin
    from adapterctl.render.catalogue import as_json, as_text

    project = open_project(ctx)
    begun = begin(project)
    click.echo(as_json(begun, as_of=project.today) if form == "json" else as_text(begun))


@command.command("import")
@click.argument("feed", type=click.Choice(FEEDS))
@click.argument("file", type=click.Path(path_type=Path))
@as_of_option
@format_option("json")
@click.pass_context
def import_dates(
    ctx: click.Context, *, feed: Feed, file: Path, as_of: date | None, form: str
) -> None:
    """Take the dates of a feed's FILE (of modeldeprecations, its folder).

    What is new, moved or no longer listed is added to registry/lifecycle/FEED.jsonl; the same
    file again adds nothing. The day seen is --as-of, else the one that the file or its name
    states, else today. A malformed file imports nothing.
    """
    from adapterctl.jobs.lifecycle_import import import_feed
    from adapterctl.render.lifecycle_import import as_json, as_text

    project = open_project(ctx, as_of=as_of)
    done = import_feed(project, feed, file)
    click.echo(as_json(done.answer, as_of=project.today) if form == "json" else as_text(done))


@command.command()
@click.argument("base", shell_complete=complete_bases)
@as_of_option
@format_option("json")
@click.pass_context
def show(ctx: click.Context, *, base: str, as_of: date | None, form: str) -> None:
    """Show every date that is known about BASE, with its source and what it was before.

    First what each of the three clocks stands at: of its service, of training on it, and of its
    weights; dates of fine-tunes that live at a provider stand apart.
    """
    from adapterctl.jobs.lifecycle import show as look_up
    from adapterctl.render.lifecycle import as_json, as_text

    project = open_project(ctx, as_of=as_of)
    sightings = look_up(project, base)
    if form == "json":
        click.echo(as_json(sightings, as_of=project.today))
    else:
        click.echo(as_text(base, sightings, colour=has_colours()))
