"""``adapterctl train``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import adapter_argument, device_option, format_option, open_project
from adapterctl.render.answer import envelope
from adapterctl.render.filed import training_words
from adapterctl.rules.arithmetic import LATEST


@click.command("train")
@adapter_argument
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path))
@device_option
@click.option("--threads", type=click.IntRange(min=1), help="Default: one per core.")
@click.option(
    "--padded", is_flag=True, help="Pad the examples of a batch also where it is not needed."
)
@click.option(
    "--arithmetic",
    type=click.IntRange(1, LATEST),
    default=LATEST,
    help="Compute as versions with this number did.",
)
@click.option(
    "--shards",
    type=click.IntRange(min=1),
    help="Spread the base over so many processes; default: as params.yaml says.",
)
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapter: str,
    out: Path,
    device: str,
    threads: int | None,
    padded: bool,
    arithmetic: int,
    shards: int | None,
    form: str,
) -> int:
    """Train NAME from the working tree into DIR, as the stages of dvc.yaml do.

    Nothing is registered; an interrupted run goes on from its last checkpoint.
    """
    from adapterctl.jobs.train import train

    project = open_project(ctx)
    place = out.absolute()
    built = train(
        project,
        adapter,
        out=place,
        device=device,
        threads=threads,
        padded=padded,
        arithmetic=arithmetic,
        shards=shards,
    )
    facts = built.facts.training
    if form == "json":
        result = {"adapter": adapter, "out": str(out), "training": facts}
        click.echo(envelope("train", as_of=project.today, results=[result]))
    else:
        click.echo(f"{adapter} trained into {out}: {training_words(facts)}")
    return 0
