"""A result of training on a GPU as a page to read; everything on it comes from the JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_SHAPES = ("1B", "3B", "8B")
_HEADER = ("way", "tokens/s", "share of matmul rate", "peak GiB", "mean loss", "steps")


def page(result: dict[str, Any]) -> str:
    """Returns the result as Markdown."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: dict[str, Any]) -> Iterator[str]:
    on = result["machine"]
    yield "# Training on a GPU"
    yield ""
    if not result["measured"]:
        yield (
            f"**Nothing was measured.** torch saw no GPU on {result['date']} (commit "
            f"{result['commit'][:12]}). `python -m benchmarks.gpu_training` on a machine with one "
            "fills in what is blank here."
        )
        yield ""
        yield "| shape | ours, tokens/s | Trainer + PEFT | TRL, packed | strict determinism |"
        yield "|---|---|---|---|---|"
        yield from (f"| {shape} | | | | |" for shape in _SHAPES)
        return
    changed = ", with uncommitted changes" if result["uncommitted_changes"] else ""
    yield (
        f"One run on {result['date']}, commit {result['commit'][:12]}{changed}; {on['gpu']}; torch "
        f"{on['torch']}, transformers {on['transformers']}, peft {on['peft']}. "
        f"{result['steps']} timed steps after {result['warm_up_steps']}, rank 16 on all linear "
        "layers, bfloat16, clipping at 1, random weights."
    )
    for one in result["measured"]:
        yield from _shape(one)
    yield ""
    for check in result["checks"]:
        yield f"- {'holds' if check['held'] else '**DOES NOT HOLD**'}: {check['claim']}"


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
