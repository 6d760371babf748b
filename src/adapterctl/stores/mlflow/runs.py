"""The runs behind the versions: filled from a record step by step, then finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from adapterctl.records.adopted import AdoptedVersion
from adapterctl.records.canonical import pretty
from adapterctl.stores.mlflow.entry import MirrorEntry
from adapterctl.stores.mlflow.package import CODE, FILE, mlmodel_text, package_of
from adapterctl.stores.mlflow.replay import (
    PLACEHOLDER,
    RECORD,
    curve,
    datasets,
    metrics,
    milliseconds,
    params,
    run_tags,
)

T = TypeVar("T")

# MLflow takes at most 1,000 metrics, 100 params and 1 MB in a batch.
METRICS_PER_BATCH = 500
PARAMS_PER_BATCH = 100


def experiment_of(client: Any, name: str, *, artifact_location: str | None) -> str:
    """Returns the id of the experiment of that name, made or restored when need be."""
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=artifact_location))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


class Runs:
    """The runs of one experiment: made, resumed and finished; every step may be done twice.

    Args:
        client: an ``MlflowClient``.
        experiment: its id.
        checkpoint: is told each step after it was done.
        loader_module: goes into ``MLmodel``.
    """

    def __init__(
        self,
        client: Any,
        experiment: str,
        *,
        checkpoint: Callable[[str], None],
        loader_module: str,
    ) -> None:
        self._client = client
        self._experiment = experiment
        self._checkpoint = checkpoint
        self._loader_module = loader_module

    def finished(self, entry: MirrorEntry) -> Any:
        """Returns the finished run of a record: one left over is finished, or a new one made."""
        left_over = self._tagged(RECORD, entry.record_digest)
        whole = [run for run in left_over if run.info.status == "FINISHED"]
        if whole:
            return whole[0]
        run = left_over[0] if left_over else self._create(entry)
        self._fill(run.info.run_id, entry)
        return run

    def placeholder(self, adapter: str, number: int) -> Any:
        """Returns an empty finished run for a gap; its artifacts may come later."""
        name = f"{adapter}@{number}"
        left_over = self._tagged(PLACEHOLDER, name)
        run = (
            left_over[0]
            if left_over
            else self._client.create_run(
                self._experiment, tags={PLACEHOLDER: name}, run_name=f"{name} (placeholder)"
            )
        )
        self._checkpoint("placeholder run")
        self._client.set_terminated(run.info.run_id, "FINISHED")
        return run

    def refill(self, run_id: str, entry: MirrorEntry) -> None:
        """Turns a placeholder's run into the run of a record."""
        self._client.update_run(run_id, status="RUNNING", name=entry.name)
        for key, value in run_tags(entry).items():
            self._client.set_tag(run_id, key, value)
        self._checkpoint("run")
        if PLACEHOLDER in self._client.get_run(run_id).data.tags:
            self._client.delete_tag(run_id, PLACEHOLDER)
        self._fill(run_id, entry)

    def discard(self, entry: MirrorEntry, *, keep: str) -> None:
        """Ends and deletes the runs of a record that its version does not stand on."""
        for run in self._tagged(RECORD, entry.record_digest):
            if run.info.run_id != keep:
                self._client.set_terminated(run.info.run_id, "KILLED")
                self._client.delete_run(run.info.run_id)

    def _create(self, entry: MirrorEntry) -> Any:
        start, _ = milliseconds(entry.record)
        run = self._client.create_run(
            self._experiment, start_time=start, tags=run_tags(entry), run_name=entry.name
        )
        self._checkpoint("run")
        return run

    def _tagged(self, key: str, value: str) -> list[Any]:
        found = self._client.search_runs(
            [self._experiment],
            f"tags.`{key}` = '{value}'",
            order_by=["attributes.start_time ASC"],
        )
        return list(found)

    def _fill(self, run_id: str, entry: MirrorEntry) -> None:
        self._log_params(run_id, entry)
        self._log_metrics(run_id, entry)
        self._client.log_inputs(run_id, datasets(entry.record))
        self._checkpoint("inputs")
        self._upload(run_id, entry)
        _, end = milliseconds(entry.record)
        self._client.set_terminated(run_id, "FINISHED", end_time=end)
        self._checkpoint("finished")

    def _log_params(self, run_id: str, entry: MirrorEntry) -> None:
        from mlflow.entities import Param

        for batch in _batches(params(entry.record).items(), PARAMS_PER_BATCH):
            self._client.log_batch(run_id, params=[Param(key, value) for key, value in batch])
        self._checkpoint("params")

    def _log_metrics(self, run_id: str, entry: MirrorEntry) -> None:
        from mlflow.entities import Metric

        _, at = milliseconds(entry.record)
        single = [(key, value, 0) for key, value in metrics(entry.record).items()]
        for batch in _batches([*single, *curve(entry.trail)], METRICS_PER_BATCH):
            logged = [Metric(key, value, at, step) for key, value, step in batch]
            self._client.log_batch(run_id, metrics=logged)
        self._checkpoint("metrics")

    def _upload(self, run_id: str, entry: MirrorEntry) -> None:
        """Uploads the packaged folder, ``MLmodel`` last: before it, MLflow loads nothing."""
        client = self._client
        client.log_artifacts(run_id, str(entry.folder / "adapter"), "adapter")
        self._checkpoint("adapter")
        self._upload_folder(run_id, entry, folder=CODE, into=f"adapter/{CODE}")
        if not entry.sensitive:
            self._upload_folder(run_id, entry, folder="predictions", into="predictions")
        client.log_text(run_id, entry.record_bytes.decode(), "record.json")
        if isinstance(entry.record, AdoptedVersion):
            # On which base, and how, nobody has recorded: MLflow could not load it.
            self._checkpoint("artifacts")
            return
        client.log_text(run_id, entry.recipe_text, "recipe.yaml")
        client.log_text(run_id, pretty(package_of(entry)).decode(), f"adapter/{FILE}")
        self._checkpoint("documents")
        described = mlmodel_text(entry, run_id=run_id, loader_module=self._loader_module)
        client.log_text(run_id, described, "adapter/MLmodel")
        self._checkpoint("artifacts")

    def _upload_folder(self, run_id: str, entry: MirrorEntry, *, folder: str, into: str) -> None:
        if (entry.folder / folder).is_dir():
            self._client.log_artifacts(run_id, str(entry.folder / folder), into)
            self._checkpoint(folder)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
