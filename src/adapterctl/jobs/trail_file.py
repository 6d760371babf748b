"""``trail.jsonl`` beside an adapter: one line per logged step (B3)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from adapterctl.records.canonical import compact
from adapterctl.records.reading import read_json
from adapterctl.records.version import TrailStep
from adapterctl.stores.files import write_atomically

TRAIL = "trail.jsonl"


def write_trail(path: Path, trail: Iterable[TrailStep]) -> None:
    """Writes a trail."""
    write_atomically(path, b"".join(compact(step) + b"\n" for step in trail))


def read_trail(path: Path) -> list[TrailStep]:
    """Returns the recorded trail; empty for an adapter that was trained elsewhere."""
    if not path.is_file():
        return []
    lines = enumerate(path.read_bytes().splitlines(), start=1)
    return [read_json(line, TrailStep, file=f"{path}:{number}") for number, line in lines]
