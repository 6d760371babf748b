"""``adapterctl audit``."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapterctl.cli.answering import has_colours, uncollected
from adapterctl.cli.options import (
    DayCount,
    as_of_option,
    complete_bases,
    format_option,
    open_project,
)

if TYPE_CHECKING:
    from adapterctl.render.audit.view import By, View
    from adapterctl.rules.findings import Audit, Severity

SEVERITIES = ("critical", "high", "medium", "low", "info")

NEEDS = {"junit": "junitparser", "ics": "icalendar", "prometheus": "prometheus_client"}
"""Formats that a library of the extra ``formats`` writes."""

GROUPING = ("text", "markdown", "junit")
"""Formats that have groups; the entries of the others carry owner, base and date."""

LISTING = ("sarif", "junit", "prometheus")
"""Formats that list what is fine, too."""


@click.command()
@click.option("--horizon", type=DayCount(), help="How far ahead to look, as 180d; default: policy.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="high",
    show_default=True,
    help="Exit 1 when a finding that is not waived is at least this severe.",
)
@click.option("--owner", metavar="TEAM", help="Only adapters that this team owns or covers for.")
@click.option("--base", metavar="ID", shell_complete=complete_bases, help="Only on this base.")
@click.option("--by", type=click.Choice(["owner", "base", "month"]), help="Group the findings.")
@click.option(
    "--since",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Judge only what is new or worse since this earlier answer (--format json).",
)
@click.option(
    "--notify",
    metavar="URL",
    help="Tell each team what is new, and this apprise URL (or env:VAR) what no team is told.",
)
@click.option("--offline", is_flag=True, help="Ask nothing of the world, only the registry.")
@click.option("--strict", is_flag=True, help="Exit 1 also when something could not be judged.")
@click.option("--all", "every", is_flag=True, help="Every version, not only those in use.")
@as_of_option
@format_option("json", "markdown", "sarif", *NEEDS)
@click.pass_context
@uncollected
def command(
    ctx: click.Context,
    *,
    horizon: int | None,
    fail_on: Severity,
    owner: str | None,
    base: str | None,
    by: By | None,
    since: Path | None,
    notify: str | None,
    offline: bool,
    strict: bool,
    every: bool,
    as_of: date | None,
    form: str,
) -> int:
    """Say which adapters die, when, and by when work must start.

    Judges the versions that hold an alias, or serve without one, and asks the world whether what
    they need is still there; ranked by slack. Exits 1 when a finding counts against, 0 when none
    does, 3 when it cannot answer or could not notify.
    """
    from adapterctl.jobs.audit import audit
    from adapterctl.render.audit.view import View
    from adapterctl.rules.audit.since import against, changes_since
    from adapterctl.stores.answers import read_answer

    _must_be_possible(form, by, notify)
    project, earlier = open_project(ctx, as_of=as_of), read_answer(since) if since else None
    answer = audit(
        project,
        horizon_days=horizon,
        owner=owner,
        base=base,
        every=every,
        world=not offline,
        fine=form in LISTING,
    )
    changes = changes_since(answer, earlier, owner=owner, base=base) if earlier else None
    view = View(fail_on=fail_on, strict=strict, by=by, changes=changes, colour=has_colours())
    _say(form, answer, view)
    if notify:
        from adapterctl.jobs.notify import tell
        from adapterctl.render.audit.notice import words

        tell(project, answer, changes, otherwise=notify, wording=words, owner=owner, base=base)
    return int(against(answer, fail_on=fail_on, strict=strict, changes=changes))


def _say(form: str, answer: Audit, view: View) -> None:
    """Writes the answer; to programs in UTF-8 with the format's own line ends, on any machine.

    Where standard output takes text alone (somebody caught it), text is what it gets.
    """
    from adapterctl.render.audit import in_bytes, in_format

    if form == "text" or not hasattr(sys.stdout, "buffer"):
        click.echo(in_format(form, answer, view))
        return
    click.echo(in_bytes(form, answer, view), nl=False)
    click.echo(b"")


def _must_be_possible(form: str, by: By | None, notify: str | None) -> None:
    """Refuses what cannot be done before anything is.

    Raises:
        MissingExtra: a library is not installed.
    """
    from adapterctl.jobs.project import require

    if by is not None and form not in GROUPING:
        known = ", ".join(GROUPING)
        raise click.UsageError(f"--by groups {known}; {form} has an entry for each finding.")
    if form in NEEDS:
        require(NEEDS[form], extra="formats", needed_for=f"--format {form}")
    if notify is not None:
        require("apprise", extra="notify", needed_for="--notify")
