"""Words in, one job, one exit code: one file per verb.

`verbs` is the table of what exists; a verb's file is imported only when it runs. `run` is the one
place where errors are caught. Only this room reads the clock and argv.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from adapterctl.cli.verbs import SECTIONS, VERBS
from adapterctl.errors import AdapterctlError, Problem

INTERRUPTED = 130

NOT_OUR_BUG = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the limit on file sizes",
    errno.EACCES: "make it accessible for you",
    errno.EPERM: "make it accessible for you",
    errno.EROFS: "make the file system writable",
}
"""What the system refuses wherever it happens, and the mend."""


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
    except (AdapterctlError, OSError) as error:
        return say(error)
    return status if isinstance(status, int) else 0


def say(error: AdapterctlError | OSError) -> int:
    """Writes an error to stderr and returns its exit status; what is our own bug goes on."""
    if isinstance(error, AdapterctlError):
        click.echo("\n".join(f"error: {problem}" for problem in error.problems), err=True)
        return error.exit_status
    if isinstance(error, BrokenPipeError):
        # The reader (head, less) has seen enough; Python must not complain at exit either.
        sys.stdout = None
        return 0
    if error.errno not in NOT_OUR_BUG:
        raise error
    hint = f"{NOT_OUR_BUG[error.errno]}, and run the command again"
    problem = Problem(place=str(error.filename or ""), what=str(error.strerror), hint=hint)
    click.echo(f"error: {problem}", err=True)
    return AdapterctlError.exit_status
