"""How long it takes to rebuild many small adapters on one base: in one run, and otherwise.

8 and 16 adapters of 847 banking77 messages each, of four ranks and batch sizes in turn, on
all-MiniLM-L6-v2: trained for an epoch, written, loaded again and asked 231 messages. Once with
messages cut to 64, 24, 48 and 32 tokens in turn, and once whole, of 3 to 98 tokens. Ways: all
in one run of ours; ours one after another in one process, each with a base of its own; a script of
``transformers.Trainer`` with PEFT per adapter, one process after another; and two of those at a
time, a core each. Whole processes are timed, imports too. Scripts know nothing of each other, so
four are measured, one of each kind, and 8 take twice as long.

A sweep shows where putting several adapters' rows through the base together would pay.
Results go to ``benchmarks/results/fleet.json`` and ``.md``, a piece at a time if wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import fleet_work, intents, machine
from benchmarks.claims import as_lines
from benchmarks.cpu_work import corpus, minilm, small_llama
from benchmarks.fleet_sweep import sweep

RESULTS = Path(__file__).resolve().parent / "results"
KINDS = len(fleet_work.RANKS)
WHOLE = ", messages whole"
SIZES = (8, 16)
TARGETS = {"scripts": 3.0, "scripts, two at a time": 2.0, "ours, one after another": 0.97}
"""How many times as long other ways take at least; 3 % are the spread of one run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is asked for and writes it beside what is there; exits 1 on a missed target."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    file = options.out / ("fleet-quick.json" if options.quick else "fleet.json")
    for piece in options.piece or PIECES:
        with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
            try:
                longest = fleet_work.WHOLE if piece.endswith(WHOLE) else fleet_work.CUT
                found = PIECES[piece](Fleet(Path(folder), quick=options.quick, longest=longest))
            except RuntimeError as error:
                _say(f"fleet: NOT RUN, {error}")
                return 1
        _keep(file, piece, found)
    result = json.loads(file.read_text(encoding="utf-8"))
    text = page(result)
    print(text)
    file.with_suffix(".md").write_text(text, encoding="utf-8")
    return int(not all(check["held"] for check in checks(result["pieces"])))


class Fleet:
    """The adapters in a scratch folder, and the processes that train them."""

    def __init__(self, folder: Path, *, quick: bool, longest: Sequence[int]) -> None:
        self.folder, self.quick, self.longest = folder, quick, longest
        self.base = minilm()
        self._every = intents.read(corpus()).train

    def adapters(self, count: int) -> list[Path]:
        """Writes so many adapters' work and returns their folders."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        folders = [place / f"adapter-{number}" for number in range(count)]
        rows, steps = (64, 1) if self.quick else (fleet_work.ROWS, -1)
        for folder in folders:
            fleet_work.write(
                folder, self.base, self._every, rows=rows, steps=steps, longest=self.longest
            )
        return folders

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many adapters are trained at once."""
        return (2,) if self.quick else SIZES


def scripts(fleet: Fleet) -> dict[str, Any]:
    """Returns what one script of each kind takes, one process after another."""
    folders, told = fleet.adapters(2 if fleet.quick else KINDS), []
    started = time.perf_counter()
    for folder in folders:
        told.append(_answer(_begin("script", [folder])))
    return {"scripts": len(told), "seconds": _since(started), **_merged(told)}


def scripts_two_at_a_time(fleet: Fleet) -> dict[str, Any]:
    """Returns what they take two at a time, each with half of the cores."""
    folders = fleet.adapters(2 if fleet.quick else KINDS)
    threads = max(1, len(os.sched_getaffinity(0)) // 2)
    told, started = [], time.perf_counter()
    for first, second in zip(folders[::2], folders[1::2], strict=True):
        both = [_begin("script", [folder], threads=threads) for folder in (first, second)]
        told += [_answer(process) for process in both]
    return {"scripts": len(told), "seconds": _since(started), **_merged(told)}


def one_after_another(fleet: Fleet) -> dict[str, Any]:
    """Returns what ours take in one process, each in a run of its own; of the smaller fleet."""
    count = fleet.sizes[0]
    return {str(count): _ours(fleet, "solo", count)}


def in_one_run(fleet: Fleet) -> dict[str, Any]:
    """Returns what ours take in one run; one adapter too, for the memory of others."""
    return {str(count): _ours(fleet, "fleet", count) for count in (1, *fleet.sizes)}


def sweep_minilm(fleet: Fleet) -> list[dict[str, Any]]:
    """Returns turns against together on the real base."""
    return list(sweep(fleet.base, "all-MiniLM-L6-v2", most=256 if fleet.quick else 16384))


def sweep_llama(fleet: Fleet) -> list[dict[str, Any]]:
    """Returns the same on a small Llama made on the spot."""
    base, what = small_llama(fleet.folder / "llama")
    return list(sweep(base, what, most=256 if fleet.quick else 4096))


WAYS: dict[str, Callable[[Fleet], Any]] = {
    "in one run": in_one_run,
    "one after another": one_after_another,
    "scripts": scripts,
    "scripts, two at a time": scripts_two_at_a_time,
}
MESSAGES = {"cut": "", "whole": WHOLE}
"""What a table is of, and how its pieces' names end."""
PIECES: dict[str, Callable[[Fleet], Any]] = {
    **{way + ending: measure for ending in MESSAGES.values() for way, measure in WAYS.items()},
    "sweep MiniLM": sweep_minilm,
    "sweep Llama": sweep_llama,
}


def _ours(fleet: Fleet, way: str, count: int) -> dict[str, Any]:
    folders, started = fleet.adapters(count), time.perf_counter()
    told = _answer(_begin(way, folders))
    return {"seconds": _since(started), **told}


def _begin(way: str, folders: list[Path], *, threads: int | None = None) -> subprocess.Popen[str]:
    limits = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fleet_work", way, *map(str, folders)],
        cwd=machine.REPOSITORY,
        env=os.environ | {"OMP_WAIT_POLICY": "passive"} | limits,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    told, complaints = process.communicate()
    if process.returncode:
        last = complaints.strip().rpartition("\n")[2]
        raise RuntimeError(f"a process ended with exit status {process.returncode}: {last}")
    said = told.splitlines()[-1]
    answer: dict[str, Any] = json.loads(said)
    _say(said)
    return answer


def _merged(told: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "peak_mib": max(one["peak_mib"] for one in told),
        "losses": [loss for one in told for loss in one["losses"]],
        "right": [right for one in told for right in one["right"]],
    }


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 2)


def _keep(file: Path, piece: str, found: Any) -> None:
    """Writes a piece beside the others; each says when and on what it was measured."""
    result = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    of = {
        "date": datetime.now(UTC).date().isoformat(),
        **machine.commit(),
        "machine": {**machine.facts(), "load": machine.load()},
        "found": found,
    }
    pieces = {**result.get("pieces", {}), piece: of}
    file.parent.mkdir(parents=True, exist_ok=True)
    told = {"benchmark": "fleet", "full": file.name == "fleet.json", "pieces": pieces}
    file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def makespans(pieces: dict[str, Any], ending: str = "") -> dict[str, dict[str, float]]:
    """Returns for each number of adapters the seconds of every way."""
    found = _found(pieces, ending)
    alone = found.get("one after another", {})
    spans: dict[str, dict[str, float]] = {}
    for count in found.get("in one run", {}).keys() - {"1"}:
        spans[count] = {"ours, in one run": found["in one run"][count]["seconds"]}
        if count in alone:
            spans[count]["ours, one after another"] = alone[count]["seconds"]
        for way in ("scripts", "scripts, two at a time"):
            if way in found:
                times = int(count) / found[way]["scripts"]
                spans[count][way] = round(times * found[way]["seconds"], 2)
    return {count: spans[count] for count in sorted(spans, key=int)}


def _found(pieces: dict[str, Any], ending: str) -> dict[str, Any]:
    return {way: pieces[way + ending]["found"] for way in WAYS if way + ending in pieces}


def checks(pieces: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the claims that can be judged by what was measured."""
    for what, ending in MESSAGES.items():
        for count, spans in makespans(pieces, ending).items():
            of = f"{count} adapters, messages {what}"
            for way, least in TARGETS.items():
                if way in spans:
                    times = spans[way] / spans["ours, in one run"]
                    yield {
                        "claim": f"{of}: {way} takes at least {least:g} times as long as one run "
                        f"({times:.2f})",
                        "held": times >= least,
                    }
            if "ours, one after another" in spans:
                found = _found(pieces, ending)
                one, other = found["in one run"], found["one after another"]
                yield {
                    "claim": f"{of}: the same bytes in one run and alone",
                    "held": one[count]["digests"] == other[count]["digests"],
                }


def memory_per_adapter(pieces: dict[str, Any]) -> float | None:
    """Returns MiB that each adapter beyond the first adds to the process while it trains."""
    found = pieces.get("in one run", {}).get("found", {})
    if len(found) < 2:
        return None
    few, many = min(found, key=int), max(found, key=int)
    more = found[many]["sizes"][0] - found[few]["sizes"][0]
    return round(more / (int(many) - int(few)), 1)


def page(result: dict[str, Any]) -> str:
    """Returns the result as Markdown."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: dict[str, Any]) -> Iterator[str]:
    pieces = result["pieces"]
    yield "# Rebuilding a fleet\n"
    if not result["full"]:
        yield "**A quick look at a few steps: not the benchmark's result.**\n"
    for name, piece in pieces.items():
        on = piece["machine"]
        yield (
            f"- {name}: {piece['date']}, commit {piece['commit'][:12]}, {on['cpu']}, "
            f"{on['cores']} cores, load {on['load']}"
        )
    yield "\n## Makespan\n"
    yield (
        "One run of each; whole processes. Scripts are those of four adapters, one of each kind, "
        "times two for 8 and times four for 16: they share nothing.\n"
    )
    yield "| messages | adapters | way | seconds | times one run |\n|---|---|---|---|---|"
    for what, ending in MESSAGES.items():
        for count, spans in makespans(pieces, ending).items():
            for way, seconds in spans.items():
                times = seconds / spans["ours, in one run"]
                yield f"| {what} | {count} | {way} | {seconds:.1f} | {times:.2f} |"
    more = memory_per_adapter(pieces)
    if more is not None:
        yield f"\nEach further adapter in a run: {more:g} MiB of resident memory after a step."
    yield from _sweeps(pieces)
    yield "\n## What had to hold\n"
    yield from as_lines(checks(pieces))


def _sweeps(pieces: dict[str, Any]) -> Iterator[str]:
    for name, piece in pieces.items():
        if name.startswith("sweep"):
            yield f"\n## Together instead of in turns: {piece['found'][0]['base']}\n"
            yield "| tokens per step | adapters | in turns | together | times faster | same bits |"
            yield "|---|---|---|---|---|---|"
            for cell in piece["found"]:
                yield (
                    f"| {cell['tokens']:,} | {cell['adapters']} | {cell['seconds_in_turns']:.2f} s "
                    f"| {cell['seconds_together']:.2f} s | {cell['times_faster_together']:.2f} "
                    f"| {'yes' if cell['same_bits'] else 'no'} |"
                )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one step of two adapters")
    parser.add_argument("--piece", action="append", choices=PIECES, help="only this; may repeat")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result is written")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
