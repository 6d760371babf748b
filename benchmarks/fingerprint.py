"""Fingerprinting a base against `sha256sum` of the same file: hashing at the speed of all cores."""

from __future__ import annotations

import json
import shutil
import struct
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import REPOSITORY, commit, facts
from benchmarks.pairs import compare

TENSORS, MIB_EACH = 16, 64
LIMIT = 1.2
OURS = """
import sys
from pathlib import Path
from adapterctl.stores.safetensors import identify
identify(Path(sys.argv[1]), cache=None, progress=None)
"""


def main(arguments: Sequence[str]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="fingerprint-"))
    try:
        weights = write_base(folder)
        ours = [sys.executable, "-c", OURS, str(folder)]
        found = compare(ours, ["sha256sum", str(weights)], runs=5)
    finally:
        shutil.rmtree(folder)
    held = found["ratio"]["median"] <= LIMIT
    result = {
        "what": "identify() / sha256sum, whole processes in turn, file in the page cache",
        "gib": TENSORS * MIB_EACH / 1024,
        "date": datetime.now(UTC).date().isoformat(),
        **commit(),
        "machine": facts(),
        **found,
        "limit": LIMIT,
        "held": held,
    }
    out = REPOSITORY / "benchmarks" / "results" / "fingerprint.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(
        f"fingerprint: {found['ratio']['median']:.2f} times sha256sum on {result['gib']:g} GiB "
        f"({found['ratio']['min']:.2f} to {found['ratio']['max']:.2f}, {found['runs']} pairs): "
        f"{'holds' if held else 'DOES NOT HOLD'}"
    )
    return int(not held)


def write_base(folder: Path) -> Path:
    """Writes one safetensors file of equal tensors whose bytes differ."""
    size = MIB_EACH * 2**20
    header = {
        f"layer.{n}.weight": {
            "dtype": "F32",
            "shape": [size // 4],
            "data_offsets": [n * size, (n + 1) * size],
        }
        for n in range(TENSORS)
    }
    raw = json.dumps(header).encode()
    path = folder / "model.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        for n in range(TENSORS):
            file.write(bytes([n]) * size)
    (folder / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    return path


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
