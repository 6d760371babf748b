"""`adapterctl import` per folder, against MLflow's log_artifact + create_model_version.

Both take the same folders in the same process, in turn; starting up is not counted.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapterctl.cli import run
from adapterctl.jobs.importing import import_adapters
from adapterctl.jobs.project import Project
from benchmarks.machine import REPOSITORY, commit, facts
from benchmarks.pairs import spread

ROUNDS, FOLDERS = 5, 40
BARE = 1_000
KIB = 256
LIMIT_MS = 20.0
CONFIG = {"base_model_name_or_path": "acme/base-7b", "peft_type": "LORA", "r": 8, "lora_alpha": 16}


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="importing-") as name:
        place = Path(name)
        project = make_project(place / "project")
        client, experiment = make_mlflow(place)
        ours, mlflow = [], []
        for number in range(-1, ROUNDS):
            folders = write_folders(place / f"round-{number}", FOLDERS, kib=KIB)
            took = (
                milliseconds(import_all, project, folders),
                milliseconds(log_all, (client, experiment), folders),
            )
            if number >= 0:  # the round before the first warms both up
                ours.append(took[0])
                mlflow.append(took[1])
        alone = milliseconds(import_all, project, write_folders(place / "bare", BARE, kib=0))
    return report(ours, mlflow, alone)


def report(ours: list[float], mlflow: list[float], alone: float) -> int:
    ratio = spread([a / b for a, b in zip(ours, mlflow, strict=True)])
    held = alone <= LIMIT_MS
    result = {
        "what": "ms per folder: import / create_run + log_artifact + create_model_version on "
        "SQLite, same folders in turn; `bare` are folders with a config alone",
        "folders": {"rounds": ROUNDS, "each": FOLDERS, "weights_kib": KIB, "bare": BARE},
        "date": datetime.now(UTC).date().isoformat(),
        **commit(),
        "machine": facts(),
        "ours": spread(ours),
        "other": spread(mlflow),
        "ratio": ratio,
        "bare": round(alone, 3),
        "limit": LIMIT_MS,
        "held": held,
    }
    out = REPOSITORY / "benchmarks" / "results" / "importing.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(
        f"importing: {alone:.1f} ms per folder without weights (limit {LIMIT_MS:g}); with "
        f"{KIB} KiB {result['ours']['median']:.1f} ms, {ratio['median']:.2f} times MLflow's "
        f"({ratio['min']:.2f} to {ratio['max']:.2f}, {ROUNDS} rounds of {FOLDERS}): "
        f"{'holds' if held else 'DOES NOT HOLD'}"
    )
    return int(not held)


def milliseconds(
    take: Callable[[Any, Sequence[Path]], None], into: Any, folders: Sequence[Path]
) -> float:
    """Returns the wall-clock time for one of ``folders``."""
    started = time.perf_counter()
    take(into, folders)
    return (time.perf_counter() - started) * 1_000 / len(folders)


def import_all(project: Project, folders: Sequence[Path]) -> None:
    answer = import_adapters(project, folders, name=None)
    assert len(answer.new) == len(folders)


def make_project(root: Path) -> Project:
    with contextlib.redirect_stdout(io.StringIO()):
        assert run(["init", str(root)]) == 0
    return Project(root=root, now=datetime.now(UTC).replace(microsecond=0))


def make_mlflow(place: Path) -> tuple[Any, str]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    return client, client.create_experiment("e", artifact_location=(place / "artifacts").as_uri())


def log_all(into: tuple[Any, str], folders: Sequence[Path]) -> None:
    client, experiment = into
    for folder in folders:
        made = client.create_run(experiment)
        for file in sorted(folder.iterdir()):
            client.log_artifact(made.info.run_id, str(file), "adapter")
        client.set_terminated(made.info.run_id)
        name = f"{folder.parent.name}-{folder.name}"
        client.create_registered_model(name)
        client.create_model_version(name, f"{made.info.artifact_uri}/adapter", made.info.run_id)


def write_folders(place: Path, count: int, *, kib: int) -> list[Path]:
    """Writes PEFT folders whose weights are random; without weights when ``kib`` is 0."""
    folders = [place / f"{place.name}-{number:04}" for number in range(count)]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text(json.dumps(CONFIG))
        if kib:
            (folder / "adapter_model.safetensors").write_bytes(weights(kib))
    return folders


def weights(kib: int) -> bytes:
    size = kib * 1024
    entry = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    header = json.dumps({"weight": entry}).encode()
    return struct.pack("<Q", len(header)) + header + os.urandom(size)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
