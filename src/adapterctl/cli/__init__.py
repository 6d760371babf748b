"""Words in, one job, one exit code: one file per verb.

`verbs` is the table of what exists; a verb's file is imported only when it runs. `run` is the one
place where errors are caught. Only this room reads the clock and argv.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from adapterctl.cli.verbs import SECTIONS, VERBS
from adapterctl.errors import AdapterctlError

INTERRUPTED = 130


class Verbs(click.Group):
    """The group of all verbs, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the verbs in the order of the table."""
        # Not list(): once the verb of that name is imported, it is this package's attribute.
        return [*VERBS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Imports the file of one verb."""
        if name not in VERBS:
            return None
        command: click.Command = import_module(VERBS[name].module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the verbs, grouped by what a person is doing."""
        for section in SECTIONS:
            rows = [(name, verb.help) for name, verb in VERBS.items() if verb.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="adapterctl", message="%(version)s")
@click.option(
    "--project",
    type=click.Path(file_okay=False),
    default=None,
    help="The project's folder; default: the nearest one above the current folder.",
)
@click.pass_context
def adapterctl(ctx: click.Context, project: str | None) -> None:
    """Keep LoRA adapters rebuildable when their base models die."""
    ctx.obj = project


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit status (DESIGN.md, section 6)."""
    try:
        status: Any = adapterctl.main([*arguments], "adapterctl", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except AdapterctlError as error:
        say_error(error)
        return error.exit_status
    return status if isinstance(status, int) else 0


def say_error(error: AdapterctlError) -> None:
    """Writes every problem of an error to stderr."""
    for problem in error.problems:
        click.echo(f"error: {problem}", err=True)
    sys.stderr.flush()
