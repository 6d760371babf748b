"""The other side of `audit_scale`: the same adapters in MLflow's model registry, on SQLite.

`fill` writes the rows that ``MlflowClient`` would (it takes 40 ms for each version, and minutes
for ten thousand): a first version is made through the client, and its row is the pattern. Reading
is MLflow's own, with the largest pages that it gives; it is judged by the same rules as ours.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import survey, whole
from adapterctl.records.recipe import Serving
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.standing import Standing
from adapterctl.stores.mlflow.entry import MirrorEntry
from adapterctl.stores.mlflow.replay import version_tags
from benchmarks.fleet_registry import TODAY

SERVING, LEAD = "adapterctl.serving", "adapterctl.lead_days"
PAGE_OF_MODELS, PAGE_OF_VERSIONS = 1_000, 200_000
FILL = "--fill"


def fill(database: Path, project: Project) -> None:
    """Mirrors every adapter of a registry."""
    client = connect(database)
    found = survey(project, every=True).standings
    first = found[0]
    experiment = client.create_experiment("fleet", artifact_location=database.parent.as_uri())
    run = client.create_run(experiment)
    source = f"{run.info.artifact_uri}/adapter"
    client.create_registered_model(first.adapter, description="Routes messages")
    client.create_model_version(
        first.adapter, source, run.info.run_id, tags=tags_of(project, first)
    )
    client.set_registered_model_alias(first.adapter, "champion", str(first.version))
    others = [one for one in found if one.adapter != first.adapter]
    with sqlite3.connect(database) as rows:
        _Rows(rows, like=first.adapter).add([(one, tags_of(project, one)) for one in others])


def tags_of(project: Project, standing: Standing) -> dict[str, str]:
    """Returns the tags that `sync` writes, and the two more that this audit needs to know."""
    found = whole(project, standing)
    entry = MirrorEntry(
        record=found.record,
        record_bytes=b"",
        record_digest=sha256(standing.name.encode()).hexdigest(),
        folder=project.root,
        grade=standing.grade.letter,
    )
    return {
        **version_tags(entry),
        LEAD: str(standing.status.lead_days),
        SERVING: json.dumps([msgspec.to_builtins(place) for place in standing.serving]),
    }


class _Rows:
    """Writes rows of the registry's tables after the pattern of those that are there."""

    def __init__(self, database: sqlite3.Connection, *, like: str) -> None:
        self._database = database
        self._pattern = {table: self._row(table, like) for table in _TABLES}

    def _row(self, table: str, name: str) -> dict[str, Any]:
        found = self._database.execute(f"select * from {table} where name = ?", (name,))
        columns = [column[0] for column in found.description]
        return dict(zip(columns, found.fetchone(), strict=True))

    def add(self, tagged: Sequence[tuple[Standing, dict[str, str]]]) -> None:
        standings = [one for one, _ in tagged]
        models = {one.adapter: {"name": one.adapter} for one in standings}
        versions = [{"name": one.adapter, "version": one.version} for one in standings]
        self._insert("registered_models", list(models.values()))
        self._insert("model_versions", versions)
        self._insert(
            "model_version_tags",
            [
                {"name": one.adapter, "version": one.version, "key": key, "value": value}
                for one, tags in tagged
                for key, value in tags.items()
            ],
        )
        self._insert(
            "registered_model_aliases",
            [
                {"name": one.adapter, "version": one.version, "alias": alias}
                for one in standings
                for alias in one.aliases
            ],
        )

    def _insert(self, table: str, changes: list[dict[str, Any]]) -> None:
        pattern = self._pattern[table]
        marks = ", ".join("?" * len(pattern))
        rows = [tuple({**pattern, **change}.values()) for change in changes]
        self._database.executemany(f"insert into {table} values ({marks})", rows)


_TABLES = (
    "registered_models",
    "model_versions",
    "model_version_tags",
    "registered_model_aliases",
)


def connect(database: Path) -> Any:
    """Returns a client of the registry in an SQLite file."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    return mlflow.MlflowClient(f"sqlite:///{database}")


# reading


def rebuild_bys(client: Any, root: Path, wanted: str) -> list[dict[str, Any]]:
    """Returns adapter, version, base and rebuild-by of each version that holds an alias.

    Args:
        client: an ``MlflowClient``.
        root: the project whose ledgers have the dates.
        wanted: MLflow's filter, as on the tag of a base; empty for all.
    """
    holders = aliases_of(client)
    versions = every(client.search_model_versions, wanted, PAGE_OF_VERSIONS)
    return judged([each for each in versions if (each.name, int(each.version)) in holders], root)


def aliases_of(client: Any) -> set[tuple[str, int]]:
    """Returns name and version of all that hold an alias: only models tell, versions never do."""
    models = every(client.search_registered_models, "", PAGE_OF_MODELS)
    return {(one.name, int(version)) for one in models for version in one.aliases.values()}


def every(search: Any, wanted: str, page: int) -> list[Any]:
    """Returns the results of all pages."""
    found, token = [], None
    while True:
        answer = search(filter_string=wanted, max_results=page, page_token=token)
        found.extend(answer)
        token = answer.token
        if not token:
            return found


def judged(versions: Sequence[Any], root: Path) -> list[dict[str, Any]]:
    """Returns rebuild-by of each version, by our rules and from the ledgers in ``registry/``."""
    project = Project(root=root, now=datetime.now(UTC), as_of=TODAY)
    used = {each.tags["adapterctl.base"] for each in versions}
    almanac = project.almanac({name: project.registry.base(name) for name in sorted(used)})
    return [_line(each, almanac) for each in sorted(versions, key=lambda v: (v.name, v.version))]


def _line(version: Any, almanac: Almanac) -> dict[str, Any]:
    base = version.tags["adapterctl.base"]
    status = almanac.status_on(
        TODAY,
        base=base,
        serving=[Serving(**place) for place in json.loads(version.tags[SERVING])],
        lead_days=int(version.tags[LEAD]),
    )
    return {
        "adapter": version.name,
        "version": int(version.version),
        "base": base,
        "rebuild_by": status.rebuild_by.isoformat() if status.rebuild_by else None,
    }


def main(arguments: Sequence[str]) -> None:
    """Prints the answer about all adapters, or about those on one base, as JSON; or fills."""
    database, root, *rest = arguments
    if rest == [FILL]:
        fill(Path(database), Project(root=Path(root), now=datetime.now(UTC), as_of=TODAY))
        return
    wanted = f"tags.`adapterctl.base` = '{rest[0]}'" if rest else ""
    print(json.dumps(rebuild_bys(connect(Path(database)), Path(root), wanted)))


if __name__ == "__main__":
    main(sys.argv[1:])
