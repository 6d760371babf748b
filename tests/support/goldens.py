"""Outputs kept as files: compared in every run, rewritten with ADAPTERCTL_UPDATE_GOLDENS=1."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "goldens"
UPDATE = "ADAPTERCTL_UPDATE_GOLDENS"


def assert_golden(name: str, text: str) -> None:
    """Compares ``text`` with ``tests/goldens/<name>``."""
    path = FOLDER / name
    if os.environ.get(UPDATE) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"no golden {name}: look at the output, then run with {UPDATE}=1"
    assert text == path.read_text(encoding="utf-8"), f"{name} differs; {UPDATE}=1 accepts it"
