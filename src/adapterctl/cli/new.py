"""``adapterctl new``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.options import complete_bases, open_project
from adapterctl.render.filed import git_add


@click.command("new")
@click.argument("adapter", metavar="NAME")
@click.option("--base", metavar="ID", shell_complete=complete_bases, help="A declared base.")
@click.option("--task", type=click.Choice(["SEQ_CLS", "CAUSAL_LM"]), help="Default: by the rows.")
@click.option(
    "--data",
    required=True,
    metavar="PATH",
    type=click.Path(dir_okay=False, path_type=Path),
    help="One JSONL, CSV or Parquet file with all rows; a fifth is held out as gold set.",
)
@click.option(
    "--from",
    "source",
    metavar="DIR|CONFIG",
    type=click.Path(path_type=Path),
    help="Settings from an adapter's folder, or an Axolotl, LLaMA-Factory or TRL config.",
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapter: str,
    base: str | None,
    task: str | None,
    data: Path,
    source: Path | None,
) -> int:
    """Write a commented recipe and its preprocessing to start from."""
    from adapterctl.jobs.new import new

    made = new(open_project(ctx), adapter, base=base, task=task, data=data, source=source)
    guess = made.columns
    click.echo(f"{adapter}: {guess.task}, reads {guess.text!r}, learns {guess.answer!r}")
    click.echo(f"  {made.rows[0]:,} rows in {made.train}, {made.rows[1]:,} held out in {made.gold}")
    if made.carried is not None:
        settings = len(made.carried.lora) + len(made.carried.training)
        left = ", ".join(sorted(made.carried.left)) or "nothing"
        click.echo(f"  {settings} settings from a config of {made.carried.source}; left: {left}")
    click.echo(git_add(made.written))
    click.echo(f"next: adapterctl register registry/adapters/{adapter}/recipe.yaml")
    return 0
