"""Results of a GPU: written down, and training's as a page; all on it comes from the JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.claims import as_lines

_SHAPES = ("1B", "3B", "8B")
_HEADER = ("way", "tokens/s", "share of matmul rate", "peak GiB", "mean loss", "steps")


def tell(result: dict[str, Any], text: str, *, out: Path) -> int:
    """Prints a page and writes it with its result; returns 1 when a claim does not hold.

    Where nothing was measured, what was measured elsewhere stays.
    """
    print(text)
    file = out / f"{result['benchmark']}.json"
    if not result["measured"] and file.is_file() and json.loads(file.read_text())["measured"]:
        kept = f"{result['benchmark']}: no GPU, so what was measured elsewhere stays in {file.name}"
        print(kept, file=sys.stderr, flush=True)
        return 0
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    file.with_suffix(".md").write_text(text, encoding="utf-8")
    return int(not all(check["held"] for check in result["checks"]))


def nothing_measured(result: dict[str, Any]) -> str:
    """Returns why a page is blank, and what fills it in."""
    return (
        f"**Nothing was measured.** torch saw no GPU on {result['date']} (commit "
        f"{result['commit'][:12]}). `python -m benchmarks.{result['benchmark']}` on a machine with "
        "one fills in what is blank here."
    )


def measured_on(result: dict[str, Any]) -> str:
    """Returns day, commit, GPU and versions of a result."""
    on = result["machine"]
    changed = ", with uncommitted changes" if result["uncommitted_changes"] else ""
    return (
        f"One run on {result['date']}, commit {result['commit'][:12]}{changed}; {on['gpu']}; torch "
        f"{on['torch']}, transformers {on['transformers']}, peft {on['peft']}."
    )


def page(result: dict[str, Any]) -> str:
    """Returns the result as Markdown."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: dict[str, Any]) -> Iterator[str]:
    yield "# Training on a GPU"
    yield ""
    if not result["measured"]:
        yield nothing_measured(result)
        yield ""
        yield "| shape | ours, tokens/s | Trainer + PEFT | TRL, packed | strict determinism |"
        yield "|---|---|---|---|---|"
        yield from (f"| {shape} | | | | |" for shape in _SHAPES)
        return
    yield (
        f"{measured_on(result)} {result['steps']} timed steps after {result['warm_up_steps']}, "
        "rank 16 on all linear layers, bfloat16, clipping at 1, random weights."
    )
    for one in result["measured"]:
        yield from _shape(one)
    yield ""
    yield from as_lines(result["checks"])


def _shape(one: dict[str, Any]) -> Iterator[str]:
    rate = one["matmul_operations_per_second"] / 1e12
    for name, ways in one["works"].items():
        yield ""
        yield f"## {one['shape']}, {name}"
        yield ""
        yield f"Matrix products alone reach {rate:,.0f} TFLOP/s."
        yield ""
        yield f"| {' | '.join(_HEADER)} |"
        yield "|---|---:|---:|---:|---:|---:|"
        yield from (_way(way, found) for way, found in ways.items())


def _way(way: str, found: dict[str, Any]) -> str:
    if "not run" in found:
        return f"| {way} | {found['not run']} | | | | |"
    return (
        f"| {way} | {found['tokens_per_second']:,} | {found['utilisation']:.1%} "
        f"| {found['peak_gib']} | {found['loss']:.3f} | {found['steps']} |"
    )
