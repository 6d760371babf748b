"""A parity report as text, as Markdown, and as the answer that scripts read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from adapterctl.records.parity import NegativeFlips, ParityReport
from adapterctl.render.parity_sections import Section, sections
from adapterctl.render.parity_words import next_step, sentences
from adapterctl.render.table import WIDTH


def as_text(report: ParityReport, *, candidate: str = "") -> str:
    """Returns the report for a terminal of 80 columns, without colours.

    Args:
        report: what to show.
        candidate: ``NAME@VERSION`` of the candidate, for the command to try next.
    """
    tables = [f"{section.title}\n{_table(section)}" for section in sections(report)]
    said = "".join(_wrapped(each, "- ") for each in _said(report))
    step = _wrapped(next_step(report, candidate), "Next: ")
    return "\n".join([f"Parity: {report.verdict}\n", *tables, said, step])


def as_markdown(report: ParityReport, *, candidate: str = "") -> str:
    """Returns the report for a pull request; see `as_text`."""
    tables = [f"### {section.title}\n\n{_pipes(section)}" for section in sections(report)]
    said = "".join(f"- {each}\n" for each in _said(report))
    step = f"**Next:** {next_step(report, candidate)}\n"
    return "\n".join([f"## Parity: {report.verdict}\n", *tables, said, step])


def as_result(report: ParityReport) -> dict[str, Any]:
    """Returns what a rebuild or compare result says of parity (DESIGN.md, section 6).

    ``negative_flips`` is the worst set's: its rate is ``None`` when no set could be counted.
    """
    worst = worst_flips(report.negative_flips)
    uncounted = {"rate": None, "limit": report.settings.get("flip_limit")}
    return {
        "verdict": report.verdict,
        "metrics": msgspec.to_builtins(report.metrics),
        "negative_flips": uncounted if worst is None else msgspec.to_builtins(worst),
        "disagreements": msgspec.to_builtins(report.disagreements),
        "judging": msgspec.to_builtins(report.judging),
        "thresholds": msgspec.to_builtins(report.thresholds),
        "bare_ties": report.bare_ties,
        "level": report.level,
        "old_side": report.old_side,
        "notes": list(report.notes),
    }


def worst_flips(flips: Sequence[NegativeFlips]) -> NegativeFlips | None:
    """Returns the set with the worst verdict, and of those the one with the highest bound."""
    order = ("PASS", "INCONCLUSIVE", "FAIL")
    return max(flips, key=lambda each: (order.index(each.verdict), each.upper), default=None)


def _said(report: ParityReport) -> Iterator[str]:
    yield from sentences(report)
    yield from report.notes


def _table(section: Section) -> str:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for number, title in enumerate(section.header):
        words = number in {0, len(section.header) - 1}
        table.add_column(
            title,
            justify="left" if words else "right",
            no_wrap=number > 0,
            overflow="fold",
        )
    for row in section.rows:
        table.add_row(*row)
    written = StringIO()
    console = Console(file=written, width=WIDTH, color_system=None, highlight=False, markup=False)
    console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


def _pipes(section: Section) -> str:
    lines = [section.header, ["---"] * len(section.header), *section.rows]
    return "".join(f"| {' | '.join(_escaped(cell) for cell in line)} |\n" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def _wrapped(line: str, bullet: str) -> str:
    text = textwrap.fill(
        line,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{text}\n"
