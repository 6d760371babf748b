"""Talk and progress, always to stderr: a bar or a board on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from adapterctl.cli.board import Board

LINE_EVERY_SECONDS = 5.0


class Display:
    """Says what is going on; jobs are handed its methods as callables."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._open = False
        self._turn: str | None = None
        self._board: Board | None = None
        self._paces: dict[str, tuple[float, int]] = {}

    @contextmanager
    def fleet(self, names: Sequence[str]) -> Iterator[None]:
        """Several adapters are on their way: what is said names the one whose turn it is."""
        if sys.stderr.isatty():
            self._board = _board(names)
            self._board.open()
        try:
            yield
        finally:
            if self._board:
                self._board.close()
            self._turn = self._board = None

    def turn(self, name: str) -> None:
        """What follows is of the adapter ``name`` of the fleet."""
        self._turn = name

    def ended(self, name: str, how: str) -> None:
        """An adapter of the fleet has come to its end."""
        self._turn = name
        if self._board:
            self._board.at(name, how)
        self.say(how)

    def say(self, text: str) -> None:
        """Writes one line."""
        named = f"{self._turn}: {text}" if self._turn else text
        if self._board:
            self._board.say(named)
            return
        self._close_bar()
        click.echo(named, err=True)

    def progress(self, label: str, done: int, total: int, *, note: str = "") -> None:
        """Shows that ``done`` of ``total`` units of ``label`` are finished; ``note`` may change."""
        if self._board:
            stage, _, slot = label.partition(" ")
            if slot in self._board.lanes:  # several trainer commands may be on their way
                self._board.at(slot, stage, done=done, total=total)
            elif self._turn:
                self._board.at(self._turn, label, done=done, total=total)
            return
        text = f"{label}, {note}" if note else label
        if sys.stderr.isatty():
            self._draw(text, done, total)
        elif done >= total or self._due(label):
            click.echo(f"{text}: {done:,} of {total:,}", err=True)

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        """Shows an optimizer step of a slot; ``speed`` is in tokens per second."""
        if self._board:
            self._board.step(slot, done, total, loss=loss, speed=speed)
            return
        note = f"loss {loss:.3f}"
        if self._turn and speed:
            note += f", {speed:,.0f} tokens/s{self._left(slot, done, total)}"
        self.progress(f"training {slot}", done, total, note=note)

    def _left(self, slot: str, done: int, total: int) -> str:
        from adapterctl.cli.board import duration

        now = time.monotonic()
        began, first = self._paces.setdefault(slot, (now, done))
        if done in (first, total):
            return ""
        return f", {duration((now - began) / (done - first) * (total - done))} left"

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


def _board(names: Sequence[str]) -> Board:
    from rich.console import Console

    from adapterctl.cli.board import Board

    return Board(names, console=Console(stderr=True), clock=time.monotonic)
