"""Training on a GPU: ours, a tuned Trainer with PEFT, and TRL with packing, at equal work.

Llama shapes of 1B, 3B and 8B with random weights are built on the spot; every way trains the same
rows once, each in a process of its own: rank, modules, lengths, precision, clipping and the real
tokens are equal, and no gradient is 0. Printed are tokens per second, the share of the matrix
products' measured rate that the model's own operations reach, the peak of memory, and what strict
determinism costs. Without a GPU nothing is measured, and the figures stay blank.

Results go to ``benchmarks/results/gpu_training.json`` and ``.md``.
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
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.gpu_report import page, tell

RESULTS = Path(__file__).resolve().parent / "results"
STEPS, WARM = 8, 3
FASTER, OVERHEAD, TOKENS = 1.2, 0.05, 15_000
OURS, LOOSE, TRAINER = "ours", "ours, not strict", "Trainer + PEFT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints what was found and writes it down; exits 1 when a claim does not hold."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if options.way:
        print(json.dumps(one_way(options.way, options.shapes[0], Path(options.base))))
        return 0
    measured = list(_measured(options.shapes)) if machine.gpu() else []
    result = as_json(measured)
    return tell(result, page(result), out=options.out)


def _measured(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yields each shape's figures; each way runs in a process that CUDA has not touched."""
    from benchmarks.gpu_shapes import SHAPES
    from benchmarks.gpu_ways import WAYS

    rate = float(_child("matmul", names[0], Path())["operations_per_second"])
    for name in names:
        with tempfile.TemporaryDirectory(prefix="gpu-training-") as folder:
            base = Path(folder) / "base"
            _child("build", name, base)
            ways = {way: _child(way, name, base) for way in WAYS}
        yield {
            "shape": name,
            "weights_in_products": SHAPES[name].weights,
            "matmul_operations_per_second": rate,
            "works": compared(ways, rate=rate),
        }


def _child(way: str, shape: str, base: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.gpu_training", "--way", way]
    command += ["--shapes", shape, "--base", str(base)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    _say(f"{shape}, {way}: {'done' if done.returncode == 0 else 'FAILED'}")
    if done.returncode != 0:
        return {"not run": f"{way}: ended with status {done.returncode}"}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def one_way(way: str, shape: str, base: Path) -> dict[str, Any]:
    """Returns what one way found, work by work; or the rate of matrix products; or builds."""
    from benchmarks.gpu_shapes import SHAPES, build, works

    if way == "matmul":
        return {"operations_per_second": matmul_rate("cuda")}
    if way == "build":
        return {"built": build(SHAPES[shape], base, device="cuda").name}
    every = works(SHAPES[shape], base, steps=STEPS, warm=WARM, device="cuda")
    return {work.name: run(way, work) for work in every}


def run(way: str, work: Any) -> dict[str, Any]:
    """Returns what a way found on a work, or why it was not run."""
    from benchmarks.gpu_ways import WAYS, NotInstalled

    with tempfile.TemporaryDirectory(prefix="gpu-way-") as folder:
        try:
            found = asdict(WAYS[way](work, Path(folder)))
        except NotInstalled as error:
            return {"not run": str(error)}
    return found | {"operations_per_token": work.operations / work.tokens}


def compared(
    ways: dict[str, dict[str, Any]], *, rate: float
) -> dict[str, dict[str, dict[str, Any]]]:
    """Returns, for each work and way, what was found and what follows from it."""
    names = [name for name in ways[OURS] if name != "not run"]
    return {
        name: {way: _figures(told.get(name, told), rate=rate) for way, told in ways.items()}
        for name in names
    }


def _figures(found: dict[str, Any], *, rate: float) -> dict[str, Any]:
    if "not run" in found:
        return found
    speed = found["timed_tokens"] / found["seconds"]
    return {
        **found,
        "tokens_per_second": round(speed),
        "utilisation": round(speed * found["operations_per_token"] / rate, 4),
    }


def as_json(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the result as it is written down."""
    return {
        "benchmark": "gpu_training",
        "date": datetime.now(UTC).date().isoformat(),
        **machine.commit(),
        "machine": machine.facts() | {"gpu": machine.gpu()},
        "steps": STEPS,
        "warm_up_steps": WARM,
        "measured": measured,
        "checks": [check for one in measured for check in _checks(one)],
    }


def _checks(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, ways in one["works"].items():
        where = f"{one['shape']}, {name}"
        told = {way: found for way, found in ways.items() if "not run" not in found}
        yield {
            "claim": f"{where}: every way learned as many real tokens, and no gradient was 0",
            "held": len({found["tokens"] for found in told.values()}) == 1
            and all(found["gradients"] for found in told.values()),
        }
        speed = {way: found["tokens_per_second"] for way, found in told.items()}
        yield {
            "claim": f"{where}: at least {FASTER} times as fast as tuned Trainer with PEFT",
            "held": {OURS, TRAINER} <= speed.keys() and speed[OURS] >= FASTER * speed[TRAINER],
        }
        yield {
            "claim": f"{where}: strict determinism costs at most {OVERHEAD:.0%}",
            "held": {OURS, LOOSE} <= speed.keys() and speed[LOOSE] <= (1 + OVERHEAD) * speed[OURS],
        }
        if where == "8B, full length":
            yield {
                "claim": f"{where}: at least {TOKENS:,} tokens per second",
                "held": speed.get(OURS, 0) >= TOKENS,
            }


def matmul_rate(device: str, *, size: int = 8192, rounds: int = 20) -> float:
    """Returns operations per second of one bfloat16 matrix product, at its best."""
    import torch

    one, other = (torch.randn(size, size, device=device).bfloat16() for _ in range(2))
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        one @ other
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return float(2 * size**3 / min(seconds))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_training", description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=["1B", "3B", "8B"], metavar="SHAPE")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result is written")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--base", default="", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
