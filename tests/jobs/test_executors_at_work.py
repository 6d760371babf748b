"""A rebuild by command, from its command line to the candidate; each job is a process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.killing import run
from support.leftovers import left
from support.projects import copied

pytestmark = pytest.mark.slow

# Takes the first run's process away as soon as it has a checkpoint, and the second as it comes.
STAND_IN = """#!/bin/sh
job="$1"
if [ -e "$job/again" ]; then exec "$job/run.sh"; fi
touch "$job/again"
"$job/run.sh" & running=$!
while [ -z "$(find "$job/work/checkpoints" -name 'step-*' 2>/dev/null)" ]; do
  kill -0 $running 2>/dev/null || exit 3
  sleep 0.02
done
kill -9 $running
wait $running
"""


def test_a_rebuild_by_command_leaves_what_a_rebuild_here_leaves(
    serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    stand_in = tmp_path / "stand in.sh"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    program = Path(sys.executable).with_name("adapterctl")
    params = root / "params.yaml"
    command = f"env ADAPTERCTL={program} OMP_NUM_THREADS=1 '{stand_in}' {{job}}"
    params.write_text(params.read_text() + f'executor: {{command: "{command}"}}\n')
    done = run(root, "rebuild", "router", "--to", "new-base", "--executor", "command")
    assert done.status == 0, done.said
    assert "it is handed in once more" in done.said
    assert left(root) == left(rebuilt)


def test_without_a_command_it_is_said_how_to_set_one(serving: Path, tmp_path: Path) -> None:
    root = copied(serving, tmp_path)
    done = run(root, "rebuild", "router", "--to", "new-base", "--executor", "command")
    assert done.status == 3
    assert done.said == (
        "error: params.yaml: executor.command: no command is set\n"
        '  hint: executor: {command: "sbatch --wait {job}/run.sh"}\n'
    )
