"""``adapterctl rebuild``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapterctl.cli.options import (
    as_of_option,
    complete_adapters,
    complete_bases,
    device_option,
    format_option,
    noise_floor_option,
    open_project,
)
from adapterctl.render.answer import envelope
from adapterctl.render.rebuild import as_text, result
from adapterctl.rules.planning.ladder import RUNGS

if TYPE_CHECKING:
    from adapterctl.jobs.executors.chosen import Kind
    from adapterctl.rules.findings import Skipped
    from adapterctl.rules.planning.saved import SavedPlan


@click.command("rebuild")
@click.argument("adapters", metavar="[NAME]...", nargs=-1, shell_complete=complete_adapters)
@click.option(
    "--on-base", metavar="OLD", shell_complete=complete_bases, help="All adapters on OLD."
)
@click.option("--to", metavar="NEW", shell_complete=complete_bases)
@click.option(
    "--plan",
    "saved",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Run the plan that plan --save wrote, instead of NAME or --on-base and --to.",
)
@click.option("--resume", is_flag=True, help="Go on with a rebuild that was interrupted.")
@click.option(
    "--max-rung",
    type=click.Choice(list(RUNGS)),
    help="Climb no higher than this rung of the ladder.",
)
@click.option(
    "--budget",
    metavar="AMOUNT",
    help="Refuse an adapter whose training could take more: 2h, or 20EUR by params.yaml.",
)
@noise_floor_option
@click.option(
    "--executor",
    "kind",
    type=click.Choice(["here", "command", "ray"]),
    default="here",
    show_default=True,
    help="Where to train: in this process, by the command of params.yaml, or on a Ray cluster.",
)
@click.option(
    "--address",
    metavar="ADDRESS",
    envvar="RAY_ADDRESS",
    help="Of the Ray cluster; else one starts here.",
)
@device_option
@as_of_option
@format_option()
@click.pass_context
def command(
    ctx: click.Context,
    *,
    adapters: tuple[str, ...],
    on_base: str | None,
    to: str | None,
    saved: Path | None,
    resume: bool,
    max_rung: str | None,
    budget: str | None,
    noise_floor: int,
    kind: Kind,
    address: str | None,
    device: str,
    as_of: date | None,
    form: str,
) -> int:
    """Rebuild adapters on the successor base NEW, or as planned, and register the candidates.

    Each candidate carries its parity report; exits 1 unless every verdict is PASS.
    """
    from adapterctl.jobs import fleet as jobs
    from adapterctl.jobs.executors.chosen import executor
    from adapterctl.jobs.ladder.climb import Limits
    from adapterctl.jobs.saved_plan import tell_others

    agreed = _agreed(adapters, on_base=on_base, to=to, saved=saved)
    project = open_project(ctx, as_of=as_of)
    wanted: Sequence[str] = adapters or (agreed.names if agreed else ())
    skipped: list[Skipped] = []
    if on_base is not None:
        wanted, skipped = jobs.on_base(project, on_base)
    if agreed is not None:
        tell_others(project, agreed)
    limits = Limits(
        highest=RUNGS[max_rung] if max_rung else None,
        budget=budget,
        agreed=agreed,
        noise_floor=noise_floor,
    )
    done = jobs.rebuild_all(
        project,
        wanted,
        to=agreed.to if agreed else str(to),
        device=device,
        resume=resume,
        limits=limits,
        executor=executor(project, kind, address=address),
    )
    if form == "json":
        results = [result(each) for each in done]
        click.echo(envelope("rebuild", as_of=project.today, results=results, skipped=skipped))
    else:
        click.echo(as_text(done))
    return int(not all(each.passed for each in done))


def _agreed(
    adapters: tuple[str, ...], *, on_base: str | None, to: str | None, saved: Path | None
) -> SavedPlan | None:
    """Returns the saved plan to run, if one was given.

    Raises:
        click.UsageError: what to rebuild is said twice, or not at all.
    """
    from adapterctl.jobs.saved_plan import read

    if saved is not None:
        if adapters or on_base or to:
            raise click.UsageError("--plan FILE says which adapters and which base")
        return read(saved)
    if bool(adapters) == bool(on_base):
        raise click.UsageError("name adapters, or give --on-base OLD, or --plan FILE")
    if to is None:
        raise click.UsageError("Missing option '--to'.")
    return None
