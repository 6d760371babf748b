"""``adapterctl demo``."""

from __future__ import annotations

from pathlib import Path

import click

from adapterctl.cli.progress import Display


@click.command("demo")
@click.argument("folder", metavar="[DIR]", default="adapterctl-demo", type=click.Path())
@click.option(
    "--only",
    type=click.Choice(["data", "bases"]),
    help="Only make the example's data or bases, in DIR as it is; for stages of dvc.yaml.",
)
def command(folder: str, only: str | None) -> int:
    """Run the whole story on small bases built on the spot, in the new folder DIR.

    Two small bases of different architecture are built and pre-trained, two adapters are
    registered on the first, which dies in 43 days; the audit finds them, the plan shows the
    move, the rebuild makes it, and its parity report says whether it is as good. No network,
    about two minutes on two cores.
    """
    from adapterctl.cli.story import prepare_part, tell

    if only is not None:
        prepare_part(Path(folder), only, Display())
        return 0
    return tell(Path(folder).absolute(), Display())
