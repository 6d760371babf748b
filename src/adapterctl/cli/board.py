"""A fleet on a terminal: a line for each adapter, with stage, loss, pace and the time left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

Clock = Callable[[], float]
"""A stopwatch in seconds."""

WITH_BAR, WITH_SPEED = 96, 72
"""Columns that a terminal needs for the bar, and for tokens per second."""


@dataclass
class Lane:
    """How an adapter stands.

    Attributes:
        done: of ``total`` units of the stage; ``total`` 0 where that is not known.
        loss: of the last step.
        speed: in tokens per second.
        began: the clock at the first step of the stage that was seen, and which step that was.
    """

    stage: str = "waiting"
    done: int = 0
    total: int = 0
    loss: float | None = None
    speed: float | None = None
    began: tuple[float, int] | None = None

    def at(self, stage: str, done: int, total: int, *, now: float) -> None:
        """Notes how far a stage is."""
        if stage != self.stage:
            self.loss = self.speed = None
        if stage != self.stage or self.began is None or done < self.done:
            self.began = now, done
        self.stage, self.done, self.total = stage, done, total

    def left(self, now: float) -> float | None:
        """Returns the seconds that the stage still takes, by its pace so far."""
        if self.began is None or self.total <= self.done or self.done == self.began[1]:
            return None
        since, first = self.began
        return (now - since) / (self.done - first) * (self.total - self.done)


class Board:
    """The lanes of a fleet, drawn anew as they change."""

    def __init__(self, names: Sequence[str], *, console: Console, clock: Clock) -> None:
        self.lanes = {name: Lane() for name in names}
        self._console, self._clock = console, clock
        self._live = Live(
            console=console, get_renderable=self.table, refresh_per_second=4, transient=True
        )

    def open(self) -> None:
        """Begins to draw."""
        self._live.start()

    def close(self) -> None:
        """Draws no more; what was drawn last is taken away."""
        self._live.stop()

    def say(self, text: str) -> None:
        """Writes a line above the lanes."""
        self._console.print(Text(text), soft_wrap=True)

    def at(self, name: str, stage: str, *, done: int = 0, total: int = 0) -> None:
        """Notes how far the stage of an adapter is."""
        if lane := self.lanes.get(name):
            lane.at(stage, done, total, now=self._clock())

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        """Notes an optimizer step of an adapter, or of a trial: ``router@1 at 0.01``."""
        name, _, trial = slot.partition(" ")
        if lane := self.lanes.get(name):
            lane.at(f"training {trial}".rstrip(), done, total, now=self._clock())
            lane.loss, lane.speed = loss, speed

    def table(self) -> Table:
        """Returns the lanes as they stand; what a narrow terminal has no room for is left out."""
        width, now = self._console.width, self._clock()
        table = Table(
            Column("ADAPTER", no_wrap=True, overflow="ellipsis", ratio=3),
            Column("STAGE", no_wrap=True, overflow="ellipsis", ratio=4),
            *([Column("", width=20)] if width >= WITH_BAR else []),
            Column("DONE", justify="right", no_wrap=True),
            Column("LOSS", justify="right", no_wrap=True, min_width=6),
            *([Column("TOKENS/S", justify="right", no_wrap=True)] if width >= WITH_SPEED else []),
            Column("LEFT", justify="right", no_wrap=True, min_width=6),
            box=None,
            expand=True,
            header_style="bold",
            pad_edge=False,
        )
        for name, lane in self.lanes.items():
            table.add_row(*_cells(name, lane, width=width, now=now))
        return table


def _cells(name: str, lane: Lane, *, width: int, now: float) -> list[Text | ProgressBar]:
    share = f"{lane.done / lane.total:.0%}" if lane.total else ""
    bar = ProgressBar(total=lane.total or 1, completed=lane.done, width=20)
    speed = "" if lane.speed is None else f"{lane.speed:,.0f}"
    return [
        Text(name),
        Text(lane.stage),
        *([bar] if width >= WITH_BAR else []),
        Text(share),
        Text("" if lane.loss is None else f"{lane.loss:.3f}"),
        *([Text(speed)] if width >= WITH_SPEED else []),
        Text(duration(lane.left(now))),
    ]


def duration(seconds: float | None) -> str:
    """Returns ``12 s``, ``3 min`` or ``1.5 h``; nothing where it is not known."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
