"""Talk and progress, always to stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time

import click

LINE_EVERY_SECONDS = 5.0


class Display:
    """Says what is going on; jobs are handed its methods as callables."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._open = False

    def say(self, text: str) -> None:
        """Writes one line."""
        self._close_bar()
        click.echo(text, err=True)

    def progress(self, label: str, done: int, total: int, *, note: str = "") -> None:
        """Shows that ``done`` of ``total`` units of ``label`` are finished; ``note`` may change."""
        text = f"{label}, {note}" if note else label
        if sys.stderr.isatty():
            self._draw(text, done, total)
        elif done >= total or self._due(label):
            click.echo(f"{text}: {done:,} of {total:,}", err=True)

    def _due(self, label: str) -> bool:
        now = time.monotonic()
        if now - self._last.setdefault(label, now) < LINE_EVERY_SECONDS:
            return False
        self._last[label] = now
        return True

    def _draw(self, label: str, done: int, total: int) -> None:
        share = done / total if total else 1.0
        filled = round(24 * share)
        bar = "━" * filled + "─" * (24 - filled)
        click.echo(f"\r\x1b[2K{label[:44]:<44} {bar} {share:>4.0%}", err=True, nl=False)
        self._open = done < total
        if not self._open:
            click.echo("", err=True)

    def _close_bar(self) -> None:
        if self._open:
            click.echo("", err=True)
            self._open = False
