"""Kills a mirroring process at each of its steps, lets another one go on, and prints what is left.

Usage: ``python kill_mirror.py FOLDER SCENARIO [STEP...]``; kills at the named steps, or at all,
and prints one JSON object for each. Processes are forked from one that has imported MLflow but
opened nothing, for importing it takes longer than the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from adapterctl.stores.mlflow import MlflowMirror
from support.mirrors import entry

# What was there before (None: not even a database), and what is mirrored under the killer's eyes.
SCENARIOS = {
    "into nothing": (None, 1),
    "above a gap": ([], 2),
    "into a placeholder": ([2], 1),
}
KILLED = -signal.SIGKILL


class Killer:
    """A checkpoint that kills its own process at the n-th step."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.steps: list[str] = []

    def __call__(self, step: str) -> None:
        if self.at == len(self.steps):
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps.append(step)


def prepare(project: Path, before: list[int] | None) -> None:
    """Mirrors what was there before, or only makes the database."""
    if before is not None:
        uri = f"sqlite:///{project / 'mlflow.db'}"
        MlflowMirror(uri, artifact_root=project / "mlartifacts").highest_version("a")
        for number in before:
            mirror(project, number, Killer(None))


def mirror(project: Path, number: int, killer: Killer) -> list[str]:
    """Mirrors one version; returns the steps it took."""
    root, uri = project / "mlartifacts", f"sqlite:///{project / 'mlflow.db'}"
    version = entry(project / f"version {number}", adapter="a", version=number)
    MlflowMirror(uri, artifact_root=root, checkpoint=killer).mirror(version)
    return killer.steps


def recovered(project: Path, number: int) -> dict[str, object]:
    """Mirrors again, and tells what is left, and what could be seen before."""
    seen = unfinished(project) if (project / "mlflow.db").exists() else []
    mirror(project, number, Killer(None))
    return left(project) | {"unfinished": seen}


def unfinished(project: Path) -> list[str]:
    """Returns the versions that pass for whole ones although their run is not finished."""
    client = client_of(project)
    return [
        version.version
        for version in client.search_model_versions("name = 'a'")
        if "adapterctl.placeholder" not in version.tags
        and client.get_run(version.run_id).info.status != "FINISHED"
    ]


def left(project: Path) -> dict[str, object]:
    """Returns what MLflow holds: versions, active runs, and runs still RUNNING, deleted or not."""
    from mlflow.entities import ViewType

    client = client_of(project)
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = client.search_runs(experiments, run_view_type=ViewType.ALL)
    versions = sorted(client.search_model_versions("name = 'a'"), key=lambda v: int(v.version))
    return {
        "versions": [[int(v.version), v.tags["adapterctl.version"]] for v in versions],
        "placeholders": [int(v.version) for v in versions if "adapterctl.placeholder" in v.tags],
        "losses": [len(client.get_metric_history(v.run_id, "train.loss")) for v in versions],
        "active": len([run for run in runs if run.info.lifecycle_stage == "active"]),
        "running": [run.info.run_id for run in runs if run.info.status == "RUNNING"],
        "half_made": sorted(path.name for path in project.glob(".*")),
    }


def client_of(project: Path):
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{project / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def forked(work: Callable[[], object], answer: Path) -> int:
    """Runs ``work`` in a child, which writes what it returns as JSON; returns its exit code."""
    child = os.fork()
    if child == 0:
        answer.write_text(json.dumps(work()))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, scenario: str, only: list[str]) -> None:
    from mlflow.store.tracking import sqlalchemy_store  # noqa: F401
    from mlflow.tracking import MlflowClient  # noqa: F401

    answer, template, whole = folder / "answer.json", folder / "template", folder / "whole"
    before, number = SCENARIOS[scenario]
    template.mkdir()
    assert forked(partial(prepare, template, before), answer) == 0
    shutil.copytree(template, whole)
    assert forked(partial(mirror, whole, number, Killer(None)), answer) == 0
    steps = json.loads(answer.read_text())
    assert set(only) <= set(steps), steps
    for count, step in enumerate(steps):
        if only and step not in only:
            continue
        project = folder / f"killed {count}"
        shutil.copytree(template, project)
        code = forked(partial(mirror, project, number, Killer(count)), answer)
        assert code == KILLED, (step, code)
        assert forked(partial(recovered, project, number), answer) == 0, step
        sys.stdout.write(json.dumps({"step": step} | json.loads(answer.read_text())) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
