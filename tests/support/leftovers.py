"""What is left of a project after its commands: what must not depend on how often they died."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from adapterctl.records.version import VersionRecord
from adapterctl.stores.dvc import DvcStore
from adapterctl.stores.registry import FolderRegistry


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What a project holds of one adapter.

    Attributes:
        versions: version to what it is by content.
        events: kind and version of each event, in order.
        pointers: version to the artifact that its ``.dvc`` file names.
        locks: version to the sha256 of the lock of its environment.
        stages: the stages in dvc.yaml.
        adapters: the names in params.yaml.
        lost: objects that the remote lacks.
        runs: status and state of every run in MLflow, deleted ones included.
        mirrored: version, its run's status, and whether its tags name the record.
        aliases: alias to version, in MLflow.
        losses: number of loss values of every run that is not deleted, sorted.
        journals: the steps of every rebuild's journal.
        scratch: what lies in the folders of unfinished work.
    """

    versions: dict[int, dict[str, Any]]
    events: list[tuple[str, int]]
    pointers: dict[int, str]
    locks: dict[int, str]
    stages: dict[str, Any]
    adapters: list[str]
    lost: list[str]
    runs: list[tuple[str, str]]
    mirrored: list[tuple[int, str, bool]]
    aliases: dict[str, int]
    losses: list[int]
    journals: dict[str, list[str]]
    scratch: list[str]

    def without(self, *names: str) -> dict[str, Any]:
        """Returns all but some of it, for comparison."""
        return {key: value for key, value in asdict(self).items() if key not in names}


def left(root: Path, adapter: str = "router", *, database: Path | None = None) -> Leftovers:
    """Looks at a project; ``database`` is MLflow's where it is not the project's own."""
    registry = FolderRegistry(root)
    records = list(registry.records(adapter))
    md5s = [record.artifacts.md5 for record in records]
    md5s += [pin.md5 for record in records for pin in (record.train, *record.evaluation.values())]
    return Leftovers(
        versions={record.version: _content(record) for record in records},
        events=[(event.event, event.version) for event in registry.events(adapter)],
        pointers={
            int(path.stem): _yaml(path)["outs"][0]["md5"]
            for path in sorted(registry.adapter_folder(adapter).glob("*.dvc"))
        },
        locks={
            int(path.name.partition(".")[0]): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(registry.adapter_folder(adapter).glob("*.pylock.toml"))
        },
        stages=_yaml(root / "dvc.yaml")["stages"],
        adapters=_yaml(root / "params.yaml")["adapters"],
        lost=DvcStore(root).missing(md5s),
        **_mlflow(database or root / ".adapterctl" / "mlflow.db", registry, adapter),
        journals={
            path.parent.name: [json.loads(line)["step"] for line in path.read_text().splitlines()]
            for path in sorted((root / ".adapterctl").glob("rebuilds/*/journal.jsonl"))
        },
        scratch=_scratch(root),
    )


def _content(record: VersionRecord) -> dict[str, Any]:
    """Returns what the same five must give again; times and numbers of seconds are left out."""
    origin = record.rebuilt_from
    return {
        "weights": record.weights_sha256,
        "config": record.adapter_config_sha256,
        "trail": record.training and record.training.trail_sha256,
        "tokens": record.training and record.training.tokens,
        "inputs": record.inputs_digest,
        "artifact": record.artifacts.md5,
        "files": {file.path: file.sha256 for file in record.artifacts.files},
        "metrics": record.metrics,
        "selection": record.selection,
        "lock": record.lock,
        "code": record.code,
        "origin": origin and (origin.version, origin.base, origin.parity.verdict),
    }


def _scratch(root: Path) -> list[str]:
    private = root / ".adapterctl"
    folders = ("work", "rebuilds", "plans", "reproductions", "verifications")
    found = [path for name in folders for path in private.glob(f"{name}/*/*")]
    return sorted(p.relative_to(private).as_posix() for p in found if p.name != "journal.jsonl")


def _mlflow(database: Path, registry: FolderRegistry, adapter: str) -> dict[str, Any]:
    if not database.exists():
        return {"runs": [], "mirrored": [], "aliases": {}, "losses": []}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute
        runs = rows("SELECT status, lifecycle_stage FROM runs").fetchall()
        versions = rows(
            "SELECT v.version, r.status, t.value FROM model_versions v"
            " LEFT JOIN runs r ON r.run_uuid = v.run_id"
            " LEFT JOIN model_version_tags t ON t.name = v.name AND t.version = v.version"
            " AND t.key = 'adapterctl.version' WHERE v.name = ? ORDER BY v.version",
            (adapter,),
        ).fetchall()
        aliases = rows(
            "SELECT alias, version FROM registered_model_aliases WHERE name = ?", (adapter,)
        ).fetchall()
        losses = rows(
            "SELECT count(*) FROM metrics m JOIN runs r ON r.run_uuid = m.run_uuid"
            " WHERE m.key = 'train.loss' AND r.lifecycle_stage = 'active' GROUP BY m.run_uuid"
        ).fetchall()
    known = registry.versions(adapter)
    return {
        "runs": sorted(map(tuple, runs)),
        "mirrored": [(v, s, t == str(v) and v in known) for v, s, t in versions],
        "aliases": dict(aliases),
        "losses": sorted(count for (count,) in losses),
    }


def _yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path)
