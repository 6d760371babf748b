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
from adapterctl.records.adopted import StatedDataset, StatedRun
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

    def stated(self, name: str, version: int | None) -> StatedRun:
        """Returns what MLflow knows of a version and of the run behind it.

        Args:
            name: the registered model.
            version: ``None`` is the newest.

        Raises:
            NotFound: no such model or version.
            Unreachable: MLflow does not answer.
        """
        with self._asking(f"no registered model {name!r}, or no version {version or 'of it'}"):
            model = self._client.get_registered_model(name)
            found = self._version(name, version)
            run_id = found.run_id or self._run_behind(found)
            run = self._run(run_id) if run_id else None
        data = run.data if run else None
        tags = {**(data.tags if data else {}), **found.tags}
        return StatedRun(
            tracking=without_secrets(door.shown(self._uri)),
            model=name,
            version=int(found.version),
            aliases=sorted(a for a, v in model.aliases.items() if int(v) == int(found.version)),
            run_id=run_id or None,
            user=tags.get(USER),
            git_commit=tags.get(COMMIT),
            git_repo=without_secrets(tags[REPO]) if REPO in tags else None,
            params=_told(data.params) if data else {},
            metrics=_finite(data.metrics) if data else {},
            tags=_told({key: value for key, value in tags.items() if key not in LEFT_OUT}),
            datasets=[_dataset(each) for each in (run.inputs.dataset_inputs if run else ())],
        )

    def fetch_adapters(self, name: str, version: int, *, into: Path) -> None:
        """Downloads every PEFT folder among a version's artifacts, and nothing else.

        Raises:
            NotFound: the artifacts are not where MLflow says, or hold no PEFT folder.
            Unreachable: MLflow does not answer.
        """
        with self._asking("no such version"):
            source = self._client.get_model_version_download_uri(name, str(version))
        place = f"mlflow:{name}/{version}"
        with self._asking(f"its artifacts are not at {door.shown(source)}", place=place):
            from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

            artifacts = get_artifact_repository(source, tracking_uri=self._uri)
            if not artifacts.list_artifacts(None):
                raise NotFound(
                    f"its artifacts are not at {door.shown(source)}",
                    place=place,
                    hint="MLflow never looks there: whoever registered it may know where they went",
                )
            into.mkdir(parents=True, exist_ok=True)
            folders = list(_adapters(artifacts))
            for folder in folders:
                artifacts.download_artifacts(folder, dst_path=str(into))
        if not folders:
            raise NotFound(
                f"no {CONFIG} among its artifacts",
                place=place,
                hint="no PEFT folder was logged with it: import the folder itself",
            )

    def _version(self, name: str, version: int | None) -> Any:
        if version is not None:
            return self._client.get_model_version(name, str(version))
        newest = self._client.search_model_versions(
            f"name = '{name}'", order_by=["version_number DESC"], max_results=1
        )
        if not newest:
            raise NotFound(f"{name!r} has no version", place=self._place)
        return newest[0]

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
