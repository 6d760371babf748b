"""`adapterctl --help` against an empty Click program, and the audit of a small registry."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.machine import REPOSITORY, commit, facts
from benchmarks.pairs import compare

EMPTY = "import click\n@click.command()\ndef main(): pass\nmain()"
LIMIT = 3.0


def main(arguments: Sequence[str]) -> int:
    ours = [sys.executable, "-m", "adapterctl", "--help"]
    other = [sys.executable, "-c", EMPTY, "--help"]
    found = compare(ours, other, runs=15)
    held = found["ratio"]["median"] <= LIMIT
    result = {
        "what": "adapterctl --help / an empty Click program's --help, whole processes in turn",
        "date": datetime.now(UTC).date().isoformat(),
        **commit(),
        "machine": facts(),
        **found,
        "limit": LIMIT,
        "held": held,
    }
    out = REPOSITORY / "benchmarks" / "results" / "startup.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(
        f"startup: {found['ratio']['median']:.2f} times an empty Click program "
        f"({found['ratio']['min']:.2f} to {found['ratio']['max']:.2f}, {found['runs']} pairs; "
        f"ours {found['ours']['median']:.3f} s): {'holds' if held else 'DOES NOT HOLD'}"
    )
    return int(not held)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
