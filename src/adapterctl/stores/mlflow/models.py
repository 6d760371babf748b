"""Registered models of other tools: what MLflow knows of a version, and the adapters it holds.

All of it is stated by whoever logged it. The revision of a base that MLflow notes is the Hub's
head at logging time, not the commit that was loaded: it is not taken over as one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from adapterctl.errors import NotFound
from adapterctl.records.run import StatedDataset, StatedRun
from adapterctl.rules.redaction import REDACTED, reveals_a_secret, without_secrets
from adapterctl.stores.mlflow import door

PATIENCE_SECONDS = 10.0
AGAIN = "look at MLFLOW_TRACKING_URI, and import it again when MLflow answers"

CONFIG = "adapter_config.json"

USER, COMMIT, REPO = "mlflow.user", "mlflow.source.git.commit", "mlflow.source.git.repoURL"
LEFT_OUT = frozenset({USER, COMMIT, REPO, "mlflow.log-model.history"})
"""Tags that have fields of their own, and a copy of the model's own description."""

MOST_FOLDERS = 1_000


class RegisteredModels:
    """The model registry of an MLflow that others write to; nothing is written here.

    Args:
        uri: MLflow's tracking URI; its model registry is taken to be at the same place.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._place = f"MLflow at {door.shown(uri)}"
        self._client: Any = door.connect(
            uri, create=self._absent, patience=PATIENCE_SECONDS, hint=AGAIN
        )

    def newest(self, name: str) -> int:
        """Returns the number of a registered model's newest version.

        Raises:
            NotFound: no such model, or it has no version.
            Unreachable: MLflow does not answer.
        """
        with self._asking(f"no registered model {name!r}"):
            self._client.get_registered_model(name)
            found = self._client.search_model_versions(
                f"name = '{name}'", order_by=["version_number DESC"], max_results=1
            )
        if not found:
            raise NotFound(f"{name!r} has no version", place=self._place)
        return int(found[0].version)

    def stated(self, name: str, version: int) -> StatedRun:
        """Returns what MLflow knows of a version and of the run behind it.

        Raises:
            NotFound: no such model or version.
            Unreachable: MLflow does not answer.
        """
        with self._asking(f"no registered model {name!r}, or no version {version}"):
            model = self._client.get_registered_model(name)
            found = self._client.get_model_version(name, str(version))
            run_id = found.run_id or self._run_behind(found)
            run = self._run(run_id) if run_id else None
        return StatedRun(
            model=name,
            version=int(found.version),
            aliases=sorted(a for a, v in model.aliases.items() if int(v) == int(found.version)),
            run_id=run_id or None,
            **self._facts(run, found.tags),
        )

    def stated_run(self, run_id: str) -> StatedRun:
        """Returns what MLflow knows of a run.

        Raises:
            NotFound: no such run.
            Unreachable: MLflow does not answer.
        """
        with self._asking(f"no run {run_id!r}"):
            run = self._client.get_run(run_id)
        return StatedRun(run_id=run_id, **self._facts(run, {}))

    def _facts(self, run: Any, own_tags: Mapping[str, str]) -> dict[str, Any]:
        data = run.data if run else None
        tags = {**(data.tags if data else {}), **own_tags}
        return {
            "tracking": without_secrets(door.shown(self._uri)),
            "user": tags.get(USER),
            "git_commit": tags.get(COMMIT),
            "git_repo": without_secrets(tags[REPO]) if REPO in tags else None,
            "params": _told(data.params) if data else {},
            "metrics": _finite(data.metrics) if data else {},
            "tags": _told({key: value for key, value in tags.items() if key not in LEFT_OUT}),
            "datasets": [_dataset(each) for each in (run.inputs.dataset_inputs if run else ())],
        }

    def fetch_adapters(self, name: str, version: int, *, into: Path) -> None:
        """Downloads every PEFT folder among a version's artifacts, and nothing else.

        Raises:
            NotFound: the artifacts are not where MLflow says, or hold no PEFT folder.
            Unreachable: MLflow does not answer.
        """
        with self._asking("no such version"):
            source = self._client.get_model_version_download_uri(name, str(version))
        place = f"mlflow:{name}/{version}"
        found = self._download(source, place=place, into=into)
        if found is None:
            raise NotFound(
                f"its artifacts are not at {door.shown(source)}",
                place=place,
                hint="MLflow never looks there: whoever registered it may know where they went",
            )
        if not found:
            raise _nothing_there(place)

    def fetch_adapters_of_run(self, run_id: str, *, into: Path) -> None:
        """Downloads every PEFT folder among a run's artifacts or those of the models it logged.

        Raises:
            NotFound: no such run, or none of its artifacts is a PEFT folder.
            Unreachable: MLflow does not answer.
        """
        place = f"MLflow run {run_id}"
        with self._asking(f"no run {run_id!r}"):
            run = self._client.get_run(run_id)
            logged = run.outputs.model_outputs if run.outputs else []
            models = [self._client.get_logged_model(each.model_id) for each in logged]
        sources = [run.info.artifact_uri, *(model.artifact_location for model in models)]
        found = [self._download(source, place=place, into=into) for source in sources]
        if not any(found):
            raise _nothing_there(place)

    def _download(self, source: str, *, place: str, into: Path) -> int | None:
        """Downloads the PEFT folders below ``source``; returns how many, if any file is there."""
        with self._asking(f"its artifacts are not at {door.shown(source)}", place=place):
            from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

            artifacts = get_artifact_repository(source, tracking_uri=self._uri)
            if not artifacts.list_artifacts(None):
                return None
            folders = list(_adapters(artifacts))
            into.mkdir(parents=True, exist_ok=True)
            for folder in folders:
                artifacts.download_artifacts(folder, dst_path=str(into))
        return len(folders)

    def _run_behind(self, version: Any) -> str | None:
        """Returns the run of the logged model that a version stands on."""
        model_id = getattr(version, "model_id", None)
        return self._client.get_logged_model(model_id).source_run_id if model_id else None

    def _run(self, run_id: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_run(run_id)
        except MlflowException as error:
            # A run may be deleted for good while its versions stay.
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def _absent(self, path: Path) -> None:
        raise NotFound("no MLflow database", place=str(path), hint=AGAIN)

    @contextmanager
    def _asking(self, absent: str, *, place: str | None = None) -> Iterator[None]:
        """Turns MLflow's "there is no such thing" into `NotFound`, all else into `Unreachable`."""
        from mlflow.exceptions import MlflowException

        with door.answering(self._uri, hint=AGAIN):
            try:
                yield
            except MlflowException as error:
                if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                    raise
                hint = error.message.strip().partition("\n")[0]
                raise NotFound(absent, place=place or self._place, hint=hint) from None
            except FileNotFoundError:
                raise NotFound(absent, place=place or self._place) from None


def _nothing_there(place: str) -> NotFound:
    return NotFound(
        f"no {CONFIG} among its artifacts",
        place=place,
        hint="no PEFT folder was logged with it: import the folder itself",
    )


def _adapters(artifacts: Any) -> Iterator[str]:
    """Yields the folders with a PEFT config; below one no other is looked for."""
    ahead = [""]
    for _ in range(MOST_FOLDERS):
        if not ahead:
            return
        folder = ahead.pop(0)
        found = artifacts.list_artifacts(folder or None) or []
        if any(PurePosixPath(each.path).name == CONFIG for each in found):
            yield folder
        else:
            ahead += sorted(each.path for each in found if each.is_dir)


def _told(values: Mapping[str, str]) -> dict[str, str]:
    """Returns params or tags without credentials; a key that is an option for one has none."""
    return {
        key: REDACTED if reveals_a_secret([f"--{key}"]) else without_secrets(value)
        for key, value in sorted(values.items())
    }


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in sorted(metrics.items())}


def _dataset(each: Any) -> StatedDataset:
    context = next((tag.value for tag in each.tags if tag.key == "mlflow.data.context"), None)
    return StatedDataset(
        name=each.dataset.name,
        digest=each.dataset.digest,
        context=context,
        source_type=each.dataset.source_type,
        source=without_secrets(each.dataset.source or ""),
    )
