"""`adapterctl rollback`, in a process that has imported MLflow, against MLflow's two bare calls.

Champion and previous change places, to and fro; each time the same two aliases are then set
through an ``MlflowClient`` on the same database.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapterctl.cli import run
from benchmarks.importing import write_folders
from benchmarks.machine import REPOSITORY, commit, facts
from benchmarks.pairs import spread

ROUNDS = 20
KIB = 256
LIMIT_SECONDS = 1.0


def main(arguments: Sequence[str]) -> int:
    rounds = int(arguments[0]) if arguments else ROUNDS
    with tempfile.TemporaryDirectory(prefix="rolling-back-") as name:
        root = Path(name) / "project"
        adapter = make_released(root)
        client = client_of(root)
        ours, bare = [], []
        for number in range(-1, rounds):
            champion, previous = (1, 2) if number % 2 else (2, 1)
            took = (
                seconds(lambda: command(root, "rollback", adapter)),
                seconds(
                    lambda c=champion, p=previous: move(
                        client, adapter, to={"champion": c, "previous": p}
                    )
                ),
            )
            if number >= 0:  # the round before the first warms both up
                ours.append(took[0])
                bare.append(took[1])
    return report(ours, bare, written=rounds == ROUNDS)


def report(ours: list[float], bare: list[float], *, written: bool) -> int:
    ratio = spread([a / b for a, b in zip(ours, bare, strict=True)])
    held = max(ours) <= LIMIT_SECONDS
    result = {
        "what": "s per rollback with MLflow imported / two alias calls of MlflowClient, in turn",
        "rounds": len(ours),
        "date": datetime.now(UTC).date().isoformat(),
        **commit(),
        "machine": facts(),
        "ours": spread(ours),
        "other": spread(bare),
        "ratio": ratio,
        "limit": LIMIT_SECONDS,
        "held": held,
    }
    if written:
        out = REPOSITORY / "benchmarks" / "results" / "rolling_back.json"
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(
        f"rolling back: {max(ours):.2f} s at most, {ratio['median']:.1f} times MLflow's own two "
        f"calls ({ratio['min']:.1f} to {ratio['max']:.1f}, {len(ours)} rounds; limit "
        f"{LIMIT_SECONDS:g} s): {'holds' if held else 'DOES NOT HOLD'}"
    )
    return int(not held)


def make_released(root: Path) -> str:
    """Makes a project whose adapter has two versions, the second one champion."""
    command(root, "init", str(root))
    [folder] = write_folders(root.parent / "first", 1, kib=KIB)
    command(root, "import", str(folder))
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    command(root, "import", str(folder))
    adapter = folder.name
    command(root, "promote", f"{adapter}@1")
    command(root, "promote", f"{adapter}@2", "--because", "to be rolled back")
    return adapter


def client_of(root: Path) -> Any:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{root / '.adapterctl' / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def move(client: Any, adapter: str, *, to: dict[str, int]) -> None:
    for alias, version in to.items():
        client.set_registered_model_alias(adapter, alias, str(version))


def command(root: Path, *words: str) -> None:
    place = [] if words[0] == "init" else ["--project", str(root)]
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as said,
    ):
        status = run([*place, *words])
    if status != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {status}: {said.getvalue()}")


def seconds(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
