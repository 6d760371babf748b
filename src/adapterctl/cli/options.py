"""Options and arguments that several verbs share, and the project they run in."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from adapterctl.jobs.project import Project

F = TypeVar("F", bound=Callable[..., Any])


class Day(click.ParamType[date]):
    """A day as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Returns the day, or fails as a usage error."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            self.fail(f"{value!r} is not a date; dates are YYYY-MM-DD", param, ctx)


class DayCount(click.ParamType[int]):
    """A number of days, as ``180d`` or ``180``."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns the number of days, or fails as a usage error."""
        if isinstance(value, int):
            return value
        text = str(value).removesuffix("d")
        if not text.isdigit():
            self.fail(f"{value!r} is not a number of days; write 180d", param, ctx)
        return int(text)


def secret(stated: str | None) -> str | None:
    """Returns what the variable of ``env:VAR`` holds; secrets are never written out.

    Raises:
        click.UsageError: it is stated otherwise, or the variable is not set.
    """
    if stated is None:
        return None
    name = stated.removeprefix("env:")
    if name == stated:
        raise click.UsageError("--api-key takes env:VAR: a key on a command line can be read")
    if not os.environ.get(name):
        raise click.UsageError(f"--api-key: the environment has no variable {name}")
    return os.environ[name]


def format_option(*formats: str) -> Callable[[F], F]:
    """``--format``, with text as the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", *(formats or ("json",))]),
        default="text",
        show_default=True,
        help="How the answer is written to stdout.",
    )


def as_of_option(command: F) -> F:
    """``--as-of``: the day that counts as today."""
    decorate = click.option("--as-of", type=Day(), default=None, help="The day to count as today.")
    return decorate(command)


def device_option(command: F) -> F:
    """``--device``: where to train and evaluate."""
    decorate = click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="Where to train and evaluate.",
    )
    return decorate(command)


def noise_floor_option(command: F) -> F:
    """``--noise-floor``: how many other seeds flips are held against."""
    decorate = click.option(
        "--noise-floor",
        type=click.IntRange(min=0, max=20),
        default=0,
        metavar="K",
        help="Train the candidate by K other seeds, too, and say what these flip among them.",
    )
    return decorate(command)


def complete_adapters(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes adapter names."""
    return _complete("adapters", ctx, incomplete)


def complete_bases(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes base names."""
    return _complete("bases", ctx, incomplete)


def _complete(what: str, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from adapterctl.stores.registry import FolderRegistry

    project = ctx.find_root().params.get("project")
    names = getattr(FolderRegistry(find_root(project)), what)()
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def adapter_argument(command: F) -> F:
    """The argument NAME[@VERSION|@ALIAS]."""
    decorate = click.argument("adapter", metavar="NAME", shell_complete=complete_adapters)
    return decorate(command)


def find_root(project: str | None) -> Path:
    """Returns the project's folder: the given one, or the nearest above that has registry/."""
    if project is not None:
        return Path(project).resolve()
    here = Path.cwd()
    return next((p for p in [here, *here.parents] if (p / "registry").is_dir()), here)


def open_project(ctx: click.Context, *, as_of: date | None = None) -> Project:
    """Returns the project that the command runs in; here the clock is read."""
    from adapterctl.cli.progress import Display
    from adapterctl.jobs.project import Project

    root = find_root(ctx.find_root().obj)
    project = Project(
        root=root,
        now=datetime.now(UTC).replace(microsecond=0),
        as_of=as_of,
        display=Display(),
    )
    project.registry.must_exist()
    return project
