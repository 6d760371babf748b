"""Promise B2, over real processes: the same bytes, whatever runs them and whatever stops them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent


class Bench:
    """Starts training processes over the same jobs, each in an environment of its own."""

    def __init__(self, bert: Path, llama: Path) -> None:
        self.bases = (str(bert), str(llama))

    def start(self, folder: Path, **variables: str) -> subprocess.Popen[str]:
        kept = {key: value for key, value in os.environ.items() if key not in {"OMP_NUM_THREADS"}}
        return subprocess.Popen(
            [sys.executable, "-m", "support.train_in_a_process", *self.bases, str(folder)],
            env=kept | {"PYTHONPATH": str(TESTS)} | variables,
            stdout=subprocess.PIPE,
            text=True,
        )


def outcome(process: subprocess.Popen[str]) -> list[str]:
    """Digests of adapters and trails, when the process has come through."""
    lines = process.communicate(timeout=300)[0].splitlines()
    assert process.returncode == 0
    found = [line for line in lines if line.startswith(("wrote", "trail"))]
    assert len(found) == 9
    return found


def killed_at(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == line:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, f"it never said {line!r}"


@pytest.fixture(scope="module")
def bench(bert: Path, llama: Path) -> Bench:
    return Bench(bert, llama)


@pytest.fixture(scope="module")
def undisturbed(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return outcome(bench.start(folder, PYTHONHASHSEED="0", OMP_NUM_THREADS="2"))


def test_another_process_hash_seed_and_thread_count_give_the_same_bytes(
    bench: Bench, undisturbed: list[str], tmp_path: Path
) -> None:
    other = bench.start(tmp_path, PYTHONHASHSEED="4242", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    assert outcome(other) == undisturbed


@pytest.mark.slow
def test_killed_after_every_step_it_still_gives_the_same_bytes(
    bench: Bench, undisturbed: list[str], tmp_path: Path
) -> None:
    for slot in ("classifier", "dora", "completer"):
        # Every second step is saved: killed later, it has lost at most one.
        for step in (2, 3, 5, 7, 8):
            killed_at(bench.start(tmp_path), f"step {slot} {step}")
    assert outcome(bench.start(tmp_path)) == undisturbed


def test_killed_in_the_middle_and_resumed_gives_the_same_bytes(
    bench: Bench, undisturbed: list[str], tmp_path: Path
) -> None:
    # Two slots are in training, and resume from step 4; the third has not begun.
    killed_at(bench.start(tmp_path, PYTHONHASHSEED="1"), "step dora 5")
    again = bench.start(tmp_path, PYTHONHASHSEED="3")
    assert outcome(again) == undisturbed
