"""Training on the CPU where lengths are uneven: ours, Trainer with PEFT, and a bare loop.

Four ways learn the same rows once, in turn, on two threads or however many cores there are: ours;
``transformers.Trainer`` with PEFT as configured; the same with batches of like length; and a loop
over PEFT's model with nothing else in it. Rank, modules, batch, rate, clipping and precision are
equal, and so are the real tokens. The work is banking77 on MiniLM, GSM8K on a small Llama made on
the spot, and the same Llama on rows of one length, where nothing can be gained. Beside them stands
what the real tokens would take at the rate of the machine's matrix products.

Results go to ``benchmarks/results/cpu_training.json`` and ``.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.claims import as_lines
from benchmarks.cpu_ways import WAYS, Work, roofline
from benchmarks.cpu_work import STEPS, works
from benchmarks.pairs import spread

RESULTS = Path(__file__).resolve().parent / "results"
LEAST, EVEN = 2.0, 1.0
SLOWER = 0.03
"""How much slower than Trainer ours may look on even lengths before it counts: the spread."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints what was found and writes it down; exits 1 when a claim does not hold."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory(prefix="cpu-training-") as folder:
        try:
            every = works(Path(folder), steps=options.steps)
            measured = [
                measure(work, runs=options.runs, folder=Path(folder))
                for work in every
                if work.name in (options.work or STEPS)
            ]
        except RuntimeError as error:
            _say(f"cpu_training: NOT RUN, {error}")
            return 1
    full = options.steps is None
    known = {one["work"]: one for one in _known(options.out, full=full)}
    found = known | {one["work"]: one for one in measured}
    result = as_json([*found.values()], full=full)
    text = page(result)
    print(text)
    _write(options.out, result, text=text)
    return int(not all(check["held"] for check in result["checks"]))


def measure(work: Work, *, runs: int, folder: Path) -> dict[str, Any]:
    """Returns seconds and mean losses of every way, run in turn after one run that is not timed."""
    rate = roofline()
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    losses: dict[str, float] = {}
    for turn in range(runs + 1):
        for name, way in WAYS.items():
            spent, losses[name] = way(work, folder / f"{work.name}-{turn}-{name}".replace(" ", "-"))
            _say(f"{work.name}, run {turn}, {name}: {spent:.1f} s")
            if turn:
                seconds[name].append(spent)
    ratios = {
        name: [other / own for own, other in zip(seconds["ours"], spent, strict=True)]
        for name, spent in seconds.items()
    }
    return {
        "work": work.name,
        "runs": runs,
        "load": machine.load(),
        **work.facts,
        "matmul_flops_per_second": rate,
        "seconds_at_that_rate": round(work.operations / rate, 2),
        "ways": {
            name: {
                "seconds": spread(seconds[name]),
                "times_ours": spread(ratios[name]),
                "tokens_per_second": round(work.tokens / spread(seconds[name])["median"]),
                "loss": round(losses[name], 4),
            }
            for name in WAYS
        },
    }


def as_json(measured: list[dict[str, Any]], *, full: bool) -> dict[str, Any]:
    """Returns the result as it is written down; claims are checked on the whole work only."""
    return {
        "benchmark": "cpu_training",
        "full": full,
        "date": datetime.now(UTC).date().isoformat(),
        **machine.commit(),
        "machine": {**machine.facts(), "load": machine.load()},
        "measured": measured,
        "checks": list(_checks(measured)) if full else [],
    }


def _checks(measured: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    times = {one["work"]: one["ways"]["trainer"]["times_ours"]["median"] for one in measured}
    if "banking77" in times:
        yield {
            "claim": f"banking77 takes Trainer with PEFT at least {LEAST} times as long",
            "held": times["banking77"] >= LEAST,
        }
    if "even lengths" in times:
        yield {
            "claim": "on rows of one length ours is not slower than Trainer with PEFT",
            "held": times["even lengths"] >= EVEN - SLOWER,
        }


def page(result: dict[str, Any]) -> str:
    """Returns the result as Markdown."""
    on = result["machine"]
    lines = ["# Training on the CPU", ""]
    if not result["full"]:
        lines += ["**A quick look at a few steps: not the benchmark's result.**", ""]
    lines += [
        f"Interleaved runs on {result['date']}, commit {result['commit'][:12]}; "
        f"{on['cpu']}, {on['cores']} cores; torch {on['torch']}, transformers "
        f"{on['transformers']}, peft {on['peft']}. Medians, with the range.",
    ]
    for one in result["measured"]:
        lines += ["", f"## {one['work']}", "", *_table(one)]
    lines += [""] if result["checks"] else []
    lines += as_lines(result["checks"])
    return "\n".join(lines) + "\n"


def _table(one: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{one['base']}: {one['rows']:,} rows in {one['steps']} steps of {one['batch']}; "
        f"{one['tokens']:,} real tokens, {one['padded_tokens']:,} with padding. {one['runs']} runs "
        f"of each way; load {'not noted' if one['load'] is None else one['load']}."
    )
    yield ""
    yield "| way | seconds | times ours | tokens/s | mean loss |"
    yield "|---|---|---|---|---|"
    for name, way in one["ways"].items():
        spent, ratio = way["seconds"], way["times_ours"]
        yield (
            f"| {name} | {spent['median']:.2f} ({spent['min']:.2f} to {spent['max']:.2f}) "
            f"| {ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f}) "
            f"| {way['tokens_per_second']:,} | {way['loss']} |"
        )
    rate = one["matmul_flops_per_second"] / 1e9
    yield (
        f"| matrix products alone, at {rate:,.0f} GFLOP/s | {one['seconds_at_that_rate']:.2f} | | |"
        " |"
    )


def _known(out: Path, *, full: bool) -> list[dict[str, Any]]:
    """Returns what an earlier call measured of this commit; the rest of the works may follow."""
    file = out / f"{_name(full)}.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    same = before.get("commit") == machine.commit()["commit"]
    known: list[dict[str, Any]] = before["measured"] if same else []
    return known


def _name(full: bool) -> str:
    return "cpu_training" if full else "cpu_training-quick"


def _write(out: Path, result: dict[str, Any], *, text: str) -> None:
    name = _name(result["full"])
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (out / f"{name}.md").write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu_training", description=__doc__)
    parser.add_argument("--steps", type=int, metavar="N", help="a quick look at N steps of each")
    parser.add_argument("--work", action="append", choices=STEPS, help="only this; may repeat")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each way")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result is written")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
