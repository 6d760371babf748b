"""Killed at any step (SIGKILL) and mirrored again: one version, one run, nothing left RUNNING."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

SCRIPT = Path(__file__).resolve().parent.parent / "support" / "kill_mirror.py"

# What stands in MLflow once all is done: version and number tag, placeholders, steps of the loss.
ONE = {"versions": [[1, "1"]], "placeholders": [], "losses": [3], "active": 1}
ABOVE_A_GAP = {
    "versions": [[1, "1"], [2, "2"]],
    "placeholders": [1],
    "losses": [0, 3],
    "active": 2,
}
FILLED = {"versions": [[1, "1"], [2, "2"]], "placeholders": [], "losses": [3, 3], "active": 2}
CLEAN = {"running": [], "half_made": [], "unfinished": []}


def killed(folder: Path, scenario: str, *steps: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), scenario, *steps],
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_half_made_database_is_made_again(tmp_path: Path) -> None:
    assert killed(tmp_path, "into nothing", "database") == [{"step": "database", **ONE, **CLEAN}]


def test_an_interrupted_mirror_is_finished_by_the_next(tmp_path: Path) -> None:
    steps = ["run", "artifacts", "finished", "placeholder run", "placeholder version"]
    left = killed(tmp_path, "above a gap", *steps)
    assert left == [{"step": step, **ABOVE_A_GAP, **CLEAN} for step in steps]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "steps", "outcome"),
    [("above a gap", 15, ABOVE_A_GAP), ("into a placeholder", 12, FILLED)],
)
def test_any_step_may_be_the_last(tmp_path: Path, scenario: str, steps: int, outcome: dict) -> None:
    left = killed(tmp_path, scenario)
    assert len(left) == steps
    assert [{**each, "step": ""} for each in left] == [{"step": "", **outcome, **CLEAN}] * steps
