"""The audit of ten thousand adapter versions, against the same answers out of MLflow on SQLite.

Whole processes, started anew each time; ours and MLflow's in turn, and the sizes of a registry in
turn. A fresh clone has nothing kept under ``.adapterctl/``; the files of both are in the system's
memory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.fleet_registry import TODAY, write_fleet
from benchmarks.machine import REPOSITORY, commit, facts, load
from benchmarks.mlflow_fleet import FILL
from benchmarks.pairs import spread

SIZES = (1_000, 10_000, 50_000)
SIZE = 10_000
RUNS, RUNS_OF_MLFLOW = 5, 3
BASE = "base-012"
SETTLED_S = 2.5
"""Files younger than two seconds are never kept."""

LIMITS = {"warm_s": 1.5, "fresh_clone_s": 5.0, "times_faster": 20.0, "mib": 300, "flat": 1.3}

_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One whole process: wall-clock seconds, largest resident size, what it printed and found."""

    seconds: float
    mib: int
    out: bytes
    findings: int


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="audit-scale-") as name:
        sizes = ours_at({size: Path(name) / str(size) for size in SIZES})
        root = Path(name) / str(SIZE)
        beside = beside_mlflow(root, Path(name) / "mlflow" / "mlflow.db")
    return report(sizes, beside)


def ours_at(roots: dict[int, Path]) -> dict[str, Any]:
    """Returns what the audit of registries takes, by their sizes, fresh and warm, in turn."""
    fleets = {size: write_fleet(root, size) for size, root in roots.items()}
    time.sleep(SETTLED_S)
    rounds = [{size: once(root) for size, root in roots.items()} for _ in range(RUNS)]
    return {
        str(size): {
            "adapters": fleet.adapters,
            "versions": fleet.versions,
            "bases": fleet.bases,
            "findings": rounds[0][size]["warm"].findings,
            **{
                kind: spread([one[size][kind].seconds for one in rounds])
                for kind in ("fresh_clone", "warm", "warm_text")
            },
            "mib": {
                kind: max(one[size][kind].mib for one in rounds) for kind in ("fresh_clone", "warm")
            },
        }
        for size, fleet in fleets.items()
    }


def once(root: Path) -> dict[str, Ran]:
    """Runs the audit in a fresh clone, and twice warm; keeps no answer.

    The system counts the largest size of the process that starts another as that one's, too.
    """
    shutil.rmtree(root / ".adapterctl", ignore_errors=True)
    return {
        "fresh_clone": replace(run(audit(root)), out=b""),
        "warm": replace(run(audit(root)), out=b""),
        "warm_text": replace(run(audit(root, form="text")), out=b""),
    }


def beside_mlflow(root: Path, database: Path) -> dict[str, Any]:
    """Returns our answers beside MLflow's; they must agree."""
    database.parent.mkdir()
    theirs = [sys.executable, "-m", "benchmarks.mlflow_fleet", str(database), str(root)]
    run([*theirs, FILL])  # in a process of its own: what this one holds counts in its children
    found = {
        "audit": compared(audit(root), theirs),
        "list_on_base": compared(listing(root, base=BASE), [*theirs, BASE]),
    }
    agree = {
        "all": answers(run(listing(root)).out) == json.loads(run(theirs).out),
        "on_base": answers(run(listing(root, base=BASE)).out)
        == json.loads(run([*theirs, BASE]).out),
    }
    return {**found, "same_answers": agree}


def compared(ours: Sequence[str], theirs: Sequence[str]) -> dict[str, Any]:
    """Returns seconds of both, in turn, and how often ours fits into theirs."""
    pairs = [(run(ours), run(theirs)) for _ in range(RUNS_OF_MLFLOW)]
    return {
        "runs": len(pairs),
        "ours": spread([a.seconds for a, _ in pairs]),
        "mlflow": spread([b.seconds for _, b in pairs]),
        "times_faster": spread([b.seconds / a.seconds for a, b in pairs]),
    }


def answers(listed: bytes) -> list[dict[str, Any]]:
    """Returns of our list what MLflow's side answers: the versions that hold an alias."""
    keys = ("adapter", "version", "base", "rebuild_by")
    lines = [each for each in json.loads(listed)["results"] if each["aliases"]]
    found = [{key: each[key] for key in keys} for each in lines]
    return sorted(found, key=lambda each: (each["adapter"], each["version"]))


def audit(root: Path, *, form: str = "json") -> list[str]:
    return _command(root, "audit", "--offline", "--fail-on", "info", "--format", form)


def listing(root: Path, *, base: str | None = None) -> list[str]:
    return _command(root, "list", "--format", "json", *(["--base", base] if base else []))


def _command(root: Path, verb: str, *rest: str) -> list[str]:
    here = [sys.executable, "-m", "adapterctl", "--project", str(root)]
    return [*here, verb, "--as-of", TODAY.isoformat(), *rest]


def run(command: Sequence[str]) -> Ran:
    """Runs a process to its end; findings give exit status 1.

    Python may keep what it compiles, as pip makes it do for what is installed.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.DEVNULL, cwd=REPOSITORY, env=_ENVIRONMENT
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in {0, 1}, command
        out.seek(0)
        said = out.read()
        return Ran(
            seconds=seconds,
            mib=used.ru_maxrss // 1024,
            out=said,
            findings=said.count(b'"severity": '),
        )


def growth(sizes: dict[str, Any], kind: str) -> float:
    """Returns what a version more costs from 10,000 to 50,000, by what it costs up to 10,000.

    Of the fastest runs: what else the machine does only adds to them.
    """
    small, middle, large = (sizes[str(size)][kind]["min"] for size in SIZES)
    first = (middle - small) / (SIZES[1] - SIZES[0])
    return round((large - middle) / (SIZES[2] - SIZES[1]) / first, 2)


def report(sizes: dict[str, Any], beside: dict[str, Any]) -> int:
    ours = sizes[str(SIZE)]
    measured = {
        "warm_s": ours["warm"]["median"],
        "fresh_clone_s": ours["fresh_clone"]["median"],
        "times_faster": beside["audit"]["times_faster"]["median"],
        "mib": max(ours["mib"].values()),
        "flat": max(growth(sizes, "warm"), growth(sizes, "fresh_clone")),
    }
    held = {
        name: value >= LIMITS[name] if name == "times_faster" else value <= LIMITS[name]
        for name, value in measured.items()
    }
    held["same_answers"] = all(beside["same_answers"].values())
    result = {
        "what": "adapterctl audit --offline and list --base, whole processes, on registries of "
        "believable adapters; beside MlflowClient searches on SQLite that hold the same adapters, "
        "judged by the same rules; `flat` is the cost of a version from 10,000 to 50,000 by the "
        "cost up to 10,000, of the fastest runs",
        "date": datetime.now(UTC).date().isoformat(),
        **commit(),
        "machine": {**facts(), "load": load()},
        "sizes": sizes,
        "beside_mlflow": beside,
        "measured": measured,
        "limits": LIMITS,
        "held": held,
    }
    out = REPOSITORY / "benchmarks" / "results" / "audit_scale.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(_words(measured, beside, held))
    return int(not all(held.values()))


def _words(measured: dict[str, float], beside: dict[str, Any], held: dict[str, bool]) -> str:
    faster = beside["list_on_base"]["times_faster"]["median"]
    failed = [name for name, holds in held.items() if not holds]
    return (
        f"audit of {SIZE:,} versions: {measured['warm_s']:.2f} s warm, "
        f"{measured['fresh_clone_s']:.2f} s in a fresh clone, {measured['mib']} MiB; "
        f"{measured['times_faster']:.0f} times faster than through MLflow, list --base "
        f"{faster:.0f} times; a version more costs {measured['flat']:.2f} times as much beyond "
        f"{SIZE:,}: {'holds' if not failed else 'DOES NOT HOLD: ' + ', '.join(failed)}"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
