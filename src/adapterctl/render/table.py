"""Plain text of a fixed width: tables, wrapped lines, days.

Laid out by hand because rich takes five seconds for the ten thousand rows that an audit may have.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import date

WIDTH = 80
GAP = "  "
NARROWEST = 8
ELLIPSIS = "…"

WHOLE = frozenset({"SLACK", "DATE", "IN", "SEEN ON", "REBUILD BY", "SEVERITY", "CODE", "GRADE"})
"""Titles of columns that mean nothing when they are cut."""

_STYLES = {"critical": "1;31", "high": "31", "medium": "33", "low": "2", "heading": "1"}


def table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: Iterable[str] = ()
) -> list[str]:
    """Returns a line of titles and one line per row, none longer than ``WIDTH``.

    The widest columns give way first, never those in ``WHOLE``, and what is cut ends in an
    ellipsis; columns in ``right`` are flush right. Cut names stand whole elsewhere in the answer.
    """
    cells = [list(titles), *(list(row) for row in rows)]
    wanted = [max(map(len, column)) for column in zip(*cells, strict=True)]
    widths = _widths(wanted, {number for number, title in enumerate(titles) if title in WHOLE})
    flush = [title in set(right) for title in titles]
    return [_line(row, widths, flush) for row in cells]


def _widths(wanted: list[int], whole: Container[int]) -> list[int]:
    room = WIDTH - len(GAP) * (len(wanted) - 1)
    widths = list(wanted)
    while sum(widths) > room:
        giving = [n for n, width in enumerate(widths) if n not in whole and width > NARROWEST]
        if not giving:
            break
        widths[max(giving, key=lambda number: widths[number])] -= 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], flush: Sequence[bool]) -> str:
    padded = [
        cut(cell, width).rjust(width) if right else cut(cell, width).ljust(width)
        for cell, width, right in zip(cells, widths, flush, strict=True)
    ]
    return GAP.join(padded).rstrip()


def cut(text: str, width: int) -> str:
    """Returns ``text`` in at most ``width`` characters."""
    return text if len(text) <= width else text[: width - 1] + ELLIPSIS


def wrapped(text: str, *, indent: str = "") -> list[str]:
    """Returns ``text`` in lines of ``WIDTH``, broken at spaces only, so that names stay whole.

    By hand because an audit may have forty thousand messages, and textwrap needs a second for them.
    """
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and len(indent) + len(line) + 1 + len(word) > WIDTH:
            lines.append(indent + line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, indent + line] if line else lines


def pairs(rows: Iterable[tuple[str, str]], *, indent: str = "  ") -> list[str]:
    """Returns aligned keys and values; a value too long for its line stands on lines of its own."""
    named = [(key, value) for key, value in rows if value]
    column = max((len(key) for key, _ in named), default=0)
    lines: list[str] = []
    for key, value in named:
        line = f"{indent}{key.ljust(column)}{GAP}{value}"
        if len(line) <= WIDTH:
            lines.append(line)
        else:
            lines += [f"{indent}{key}", *wrapped(value, indent=indent * 2)]
    return lines


def fitting(start: str, parts: Sequence[str], *, end: str = "") -> str:
    """Returns ``start``, as many of ``parts`` as fit on one line, how many more, and ``end``."""
    for shown in range(len(parts), 0, -1):
        more = len(parts) - shown
        line = start + ", ".join(parts[:shown]) + (f" and {more} more" if more else "") + end
        if len(line) <= WIDTH:
            return line
    return start + f"{len(parts)} in all" + end


def slack(days: int | None) -> str:
    """Returns ``-17 d``, or ``-`` when there is no firm date to count to."""
    return "-" if days is None else f"{days} d"


def day(value: date | str | None) -> str:
    """Returns ``2027-01-05``, or ``-``."""
    return "-" if value is None else str(value)


def paint(text: str, style: str, *, colour: bool) -> str:
    """Returns ``text`` in the colour of a severity (or of a heading), if there are colours."""
    code = _STYLES.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text


def unjudged(skipped: Iterable[tuple[str, str, str]], *, colour: bool = False) -> list[str]:
    """Returns the section about what was skipped: (subject, reason, mend) each."""
    lines: list[str] = []
    for subject, reason, mend in skipped:
        lines += [*wrapped(f"{subject}: {reason}", indent="  "), *([f"    {mend}"] if mend else [])]
    return ["", paint("Skipped", "heading", colour=colour), *lines] if lines else []
