"""How long it takes to rebuild many small adapters on a GPU: in one run, and by scripts.

Eight adapters of 847 rows each, of four ranks, batches and lengths in turn, on Llama shapes of 1B
and 8B with random weights: trained for an epoch, written, loaded again and asked 231 rows. Once all
in one run of ours, and once by a script of ``transformers.Trainer`` with PEFT per adapter, one
process after another. Whole processes are timed, imports and loading too. Scripts know nothing of
each other, so four are measured, one of each kind, and 8 take twice as long. Without a GPU nothing
is measured, and the figures stay blank.

Results go to ``benchmarks/results/gpu_fleet.json`` and ``.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.claims import as_lines
from benchmarks.fleet_work import RANKS, ROWS
from benchmarks.gpu_report import measured_on, nothing_measured, tell

RESULTS = Path(__file__).resolve().parent / "results"
FULL = ("1B", "8B")
ADAPTERS, TIMES = 8, 3.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints what was found and writes it down; exits 1 when a claim does not hold."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    measured = [makespan(shape, device="cuda") for shape in options.shapes] if machine.gpu() else []
    result = as_json(measured)
    return tell(result, page(result), out=options.out)


def makespan(
    shape: str, *, device: str, adapters: int = ADAPTERS, rows: int = ROWS
) -> dict[str, Any]:
    """Returns what one run of so many adapters took, one of a single adapter, and the scripts."""
    from benchmarks.gpu_shapes import SHAPES, build

    with tempfile.TemporaryDirectory(prefix="gpu-fleet-base-") as folder:
        base = build(SHAPES[shape], Path(folder) / "base", device=device)

        def run(way: str, *numbers: int) -> dict[str, Any]:
            words = [way, shape, str(base), device, str(rows), *map(str, numbers)]
            return _timed(words)

        return {
            "shape": shape,
            "adapters": adapters,
            "in one run": run("fleet", *range(adapters)),
            "one alone": run("fleet", 0),
            "scripts": [run("script", number) for number in range(len(RANKS))],
        }


def _timed(words: list[str]) -> dict[str, Any]:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu_fleet_work", *words],
        cwd=machine.REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    seconds = round(time.perf_counter() - started, 2)
    if done.returncode:
        raise SystemExit(f"gpu_fleet: {' '.join(words)} ended with status {done.returncode}")
    _say(f"{words[0]} of {len(words) - 5} on {words[1]}: {seconds} s")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": seconds, **answer}


def as_json(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the result as it is written down."""
    return {
        "benchmark": "gpu_fleet",
        "date": datetime.now(UTC).date().isoformat(),
        **machine.commit(),
        "machine": machine.facts() | {"gpu": machine.gpu()},
        "measured": measured,
        "checks": [check for one in measured for check in _checks(one)],
    }


def scripts_seconds(one: dict[str, Any]) -> float:
    """Returns what as many scripts as a run has adapters take, by those of each kind."""
    told = one["scripts"]
    return round(sum(each["seconds"] for each in told) * one["adapters"] / len(told), 2)


def memory_per_adapter(one: dict[str, Any]) -> float:
    """Returns GiB of the GPU that each adapter beyond the first adds while it trains."""
    many, few = one["in one run"]["held_gib"], one["one alone"]["held_gib"]
    return round((many - few) / (one["adapters"] - 1), 3)


def _checks(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    times = scripts_seconds(one) / one["in one run"]["seconds"]
    yield {
        "claim": f"{one['shape']}, {one['adapters']} adapters: scripts take at least {TIMES:g} "
        f"times as long as one run ({times:.2f})",
        "held": times >= TIMES,
    }
    yield {
        "claim": f"{one['shape']}: an adapter's bytes are the same in one run and alone",
        "held": one["in one run"]["digests"][:1] == one["one alone"]["digests"],
    }


def page(result: dict[str, Any]) -> str:
    """Returns the result as Markdown."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: dict[str, Any]) -> Iterator[str]:
    yield "# Rebuilding a fleet on a GPU\n"
    yield f"{(measured_on if result['measured'] else nothing_measured)(result)}\n"
    yield "| shape | adapters | ours, in one run | scripts | times one run | GiB per adapter |"
    yield "|---|---|---|---|---|---|"
    if not result["measured"]:
        yield from (f"| {shape} | {ADAPTERS} | | | | |" for shape in FULL)
    for one in result["measured"]:
        ours, scripts = one["in one run"]["seconds"], scripts_seconds(one)
        yield (
            f"| {one['shape']} | {one['adapters']} | {ours:.1f} s | {scripts:.1f} s "
            f"| {scripts / ours:.2f} | {memory_per_adapter(one)} |"
        )
    yield ""
    yield from as_lines(result["checks"])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    from benchmarks.gpu_shapes import SHAPES

    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_fleet", description=__doc__)
    parser.add_argument("--shapes", nargs="+", choices=[*SHAPES], default=[*FULL])
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result is written")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
