"""Adopting adapters that MLflow holds, with what it knows of their runs: a local SQLite store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapterctl.cli import run
from adapterctl.records.adopted import AdoptedVersion
from adapterctl.records.canonical import listing_digest
from adapterctl.records.run import StatedDataset
from adapterctl.stores.registry import FolderRegistry
from adapterctl.stores.safetensors import tensor_digests
from support.adapter_folders import adapter_folder, some_weights
from support.commands import Commands
from support.projects import copied
from support.s3 import environment
from support.tiny_adapters import tiny_adapter
from support.tiny_bases import tiny_bert

REVISION = "5f0b02c75b57c5855da9ae460ce51323ea669d8a"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project") / "project"
    assert run(["init", str(root)]) == 0
    return root


@pytest.fixture(scope="module")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow that a team has logged into by itself."""
    folder = tmp_path_factory.mktemp("theirs")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with environment({"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": uri}):
        from mlflow import MlflowClient

        log(MlflowClient(uri, uri), folder)
        yield uri


def log(client: Any, folder: Path) -> None:
    """Logs a pyfunc's layout, a logged model's, and versions that hold nothing of use."""
    experiment = client.create_experiment("loras", artifact_location=(folder / "a").as_uri())
    run_id = a_run(client, experiment)
    adapter_folder(folder / "adapter", weights=some_weights(1), base_model_name_or_path="/mnt/b")
    client.log_artifacts(run_id, str(folder / "adapter"), "model/artifacts/adapter")
    client.log_text(run_id, f"source_model_revision: {REVISION}", "model/MLmodel")
    client.log_text(run_id, "the base", "model/artifacts/base/model.safetensors")
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    client.create_registered_model("Support Router")
    client.create_model_version("Support Router", source, run_id, tags={"stage": "prod"})
    client.set_registered_model_alias("Support Router", "live", "1")

    logged = client.create_logged_model(experiment, name="peft", source_run_id=run_id)
    (folder / "model" / "peft").mkdir(parents=True)
    adapter_folder(folder / "model" / "peft", weights=some_weights(2))
    client.log_model_artifacts(logged.model_id, str(folder / "model"))
    client.finalize_logged_model(logged.model_id, "READY")
    client.create_registered_model("logged")
    client.create_model_version("logged", f"models:/{logged.model_id}", model_id=logged.model_id)

    client.log_artifacts(run_id, str(folder / "adapter"), "bare")
    client.create_registered_model("bare")
    bare = f"{client.get_run(run_id).info.artifact_uri}/bare"
    client.create_model_version("bare", bare, run_id)

    client.create_registered_model("nothing")
    client.create_model_version("nothing", "/does/not/exist", run_id)
    client.log_text(run_id, "x", "other/readme.txt")
    other = f"{client.get_run(run_id).info.artifact_uri}/other"
    client.create_model_version("nothing", other, run_id)
    client.create_registered_model("empty")


def a_run(client: Any, experiment: str) -> str:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    tags = {
        "mlflow.user": "ana",
        "mlflow.source.git.commit": "c" * 40,
        "mlflow.source.git.repoURL": "https://ana:secret@example.org/loras.git",
        "team": "support-ml",
    }
    run_id: str = client.create_run(experiment, tags=tags).info.run_id
    params = {"learning_rate": "5e-4", "api_key": "abc", "from": "s3://k:secret@bucket/data"}
    for key, value in params.items():
        client.log_param(run_id, key, value)
    client.log_metric(run_id, "accuracy", 0.91)
    client.log_metric(run_id, "loss", float("nan"))
    data = Dataset(name="tickets", digest="1a2b3c", source_type="local", source="/data/t.jsonl")
    client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
    client.set_terminated(run_id)
    return run_id


@pytest.fixture
def command(
    project: Path, mlflow_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Commands:
    return Commands(copied(project, tmp_path), capsys)


def imported(command: Commands, *sources: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = command("import", *sources, "--format", "json").json["results"]
    return results


def record(command: Commands, adapter: str) -> AdoptedVersion:
    found = FolderRegistry(command.root).any_record(adapter, 1)
    assert isinstance(found, AdoptedVersion)
    return found


def test_what_mlflow_knows_is_taken_over_as_stated(command):
    (one,) = imported(command, "mlflow:Support Router/1")
    assert (one["path"], one["adapter"], one["error"]) == (
        "mlflow:Support Router/1",
        "support-router",
        None,
    )
    stated = record(command, "support-router").run
    assert (stated.model, stated.version, stated.aliases) == ("Support Router", 1, ["live"])
    assert (stated.user, stated.git_commit) == ("ana", "c" * 40)
    assert stated.git_repo == "https://example.org/loras.git"
    assert stated.params == {
        "api_key": "REDACTED",
        "from": "s3://bucket/data",
        "learning_rate": "5e-4",
    }
    assert stated.metrics == {"accuracy": 0.91, "loss": None}
    assert stated.tags.items() >= {"stage": "prod", "team": "support-ml"}.items()
    assert "mlflow.user" not in stated.tags
    assert stated.datasets == [
        StatedDataset(
            name="tickets",
            digest="1a2b3c",
            context="train",
            source_type="local",
            source="/data/t.jsonl",
        )
    ]


def test_what_is_stated_closes_no_gap_and_gives_no_revision_of_the_base(command):
    (one,) = imported(command, "mlflow:Support Router")
    assert one["grade"] == "C"
    assert {"DATA001", "CODE001", "BASE001"} <= set(one["gaps"])
    found = record(command, "support-router")
    assert (found.base.stated, found.base.commit) == ("/mnt/b", None)
    assert REVISION not in (command.root / "registry/adapters/support-router/1.json").read_text()


def test_show_says_that_it_is_stated(command):
    imported(command, "mlflow:Support Router")
    shown = command("show", "support-router").out
    assert "MLflow, as stated" in shown
    assert "learning_rate" in shown and "accuracy" in shown and "tickets" in shown


def test_twice_adds_nothing_and_only_the_adapter_is_kept(command):
    imported(command, "mlflow:Support Router", "mlflow:logged")
    again = imported(command, "mlflow:Support Router/1", "mlflow:logged/1")
    assert [(one["adapter"], one["version"]) for one in again] == [
        ("support-router", 1),
        ("logged", 1),
    ]
    assert FolderRegistry(command.root).versions("support-router") == [1]
    kept = [file.path for file in record(command, "support-router").artifacts.files]
    assert kept == ["adapter/adapter_config.json", "adapter/adapter_model.safetensors"]
    assert not list((command.root / ".adapterctl").glob("import-*"))


def test_what_mlflow_knows_besides_makes_a_version_without_another_upload(command, tmp_path):
    same = adapter_folder(tmp_path / "x", weights=some_weights(1), base_model_name_or_path="/mnt/b")
    assert command("import", str(same), "--name", "support-router").status == 0
    remote = command.root.parent / "project-storage"
    before = sorted(path for path in remote.rglob("*") if path.is_file())
    (one,) = imported(command, "mlflow:Support Router")
    assert (one["adapter"], one["version"]) == ("support-router", 2)
    assert sorted(path for path in remote.rglob("*") if path.is_file()) == before
    first, second = FolderRegistry(command.root).any_records("support-router")
    assert (first.run, second.run is None) == (None, False)
    assert first.artifacts == second.artifacts


def test_a_logged_model_is_found_with_the_run_behind_it(command):
    (one,) = imported(command, "mlflow:logged")
    assert (one["adapter"], one["error"]) == ("logged", None)
    assert record(command, "logged").run.params["learning_rate"] == "5e-4"


def test_artifacts_that_are_the_folder_itself_are_taken(command):
    (one,) = imported(command, "mlflow:bare")
    assert (one["path"], one["adapter"], one["error"]) == ("mlflow:bare/1", "bare", None)


WORDS = {
    "mlflow:nobody": "no registered model 'nobody'",
    "mlflow:logged/7": "no registered model 'logged', or no version 7",
    "mlflow:empty": "'empty' has no version",
    "mlflow:nothing/1": "mlflow:nothing/1: its artifacts are not at /does/not/exist",
    "mlflow:nothing/2": "mlflow:nothing/2: no adapter_config.json among its artifacts",
    "mlflow:nothing/x": "mlflow:nothing/x: not a registered model",
}


def test_what_cannot_be_had_gets_a_clear_word_and_concerns_itself_only(command):
    results = imported(command, *WORDS, "mlflow:logged")
    for (source, words), one in zip(WORDS.items(), results, strict=False):
        assert one["path"] == source
        assert words in (one["error"] or ""), (source, one["error"])
    assert (results[-1]["adapter"], results[-1]["error"]) == ("logged", None)


def test_an_mlflow_that_is_not_there_is_said(command, tmp_path):
    with environment({"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'none.db'}"}):
        (one,) = imported(command, "mlflow:logged")
    assert "no MLflow database" in one["error"]
    assert not (tmp_path / "none.db").exists()


@pytest.mark.slow
def test_what_mlflow_itself_logs_of_a_peft_model_is_found(command, tmp_path):
    """The layout is MLflow's own: its transformers flavour keeps the adapter in ``peft/``."""
    import mlflow
    import transformers
    from peft import PeftModel

    base = tiny_bert(tmp_path / "base")
    folder = tiny_adapter(tmp_path / "adapter", base, task="SEQ_CLS")
    bare = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    pipeline = transformers.pipeline(
        "text-classification", model=PeftModel.from_pretrained(bare, folder), tokenizer=tokenizer
    )
    with mlflow.start_run(experiment_id="1"):
        mlflow.transformers.log_model(
            pipeline, name="model", registered_model_name="by-flavour", pip_requirements=["peft"]
        )
    (one,) = imported(command, "mlflow:by-flavour")
    assert (one["adapter"], one["error"]) == ("by-flavour", None)
    weights = tensor_digests(folder / "adapter_model.safetensors")
    assert record(command, "by-flavour").weights_sha256 == listing_digest(t.line for t in weights)
