"""`register RECIPE --run RUN_ID`: the adapter that an MLflow run left, with what MLflow knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.records.reading import read_json
from adapterctl.records.version import VersionRecord
from support.projects import command, copied

ROUTER = "registry/adapters/router/recipe.yaml"
PARAMS = {
    "learning_rate": "0.001",
    "max_steps": "12",
    "per_device_train_batch_size": "8",
    "lr_scheduler_type": "cosine",
    "warmup_ratio": "None",
    "bf16": "False",
    "hub_token": "hf_secretsecretsecret",
}


@pytest.fixture(scope="module")
def adapter(registered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of a registered version, as another tool would log it."""
    folder = tmp_path_factory.mktemp("theirs") / "adapter"
    assert command(registered, "pull", "router@1", "--out", str(folder)) == 0
    return folder


@pytest.fixture
def root(fresh: Path, tmp_path: Path) -> Path:
    return copied(fresh, tmp_path)


def log(root: Path, adapter: Path, *places: str) -> str:
    """Logs the adapter at each of the places of a run, as a team's own script would."""
    import mlflow

    (root / ".adapterctl").mkdir(exist_ok=True)
    client = mlflow.MlflowClient(f"sqlite:///{root / '.adapterctl' / 'mlflow.db'}")
    artifacts = (root.parent / "their-artifacts").as_uri()
    experiment = client.create_experiment("theirs", artifact_location=artifacts)
    run_id: str = client.create_run(experiment).info.run_id
    for name, value in PARAMS.items():
        client.log_param(run_id, name, value)
    client.log_metric(run_id, "train_loss", 0.5)
    for place in places:
        client.log_artifacts(run_id, str(adapter), place)
    client.set_terminated(run_id)
    return run_id


def test_a_run_is_registered_with_what_mlflow_says_it_used(
    root: Path, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = log(root, adapter, "out/adapter")
    assert command(root, "register", ROUTER, "--run", run_id) == 0
    said = capsys.readouterr().err
    assert "training.learning_rate: the run used 0.001, the recipe says 0.005" in said
    assert "DATA002 nothing tells whether the run trained on the rows" in said
    path = (root / ROUTER).with_name("1.json")
    record = read_json(path.read_bytes(), VersionRecord, file=str(path))
    assert record.recipe.training.learning_rate == 0.001
    assert record.recipe.training.lr_scheduler_type == "cosine"
    assert record.recipe.lora.target_modules == "all-linear"
    assert record.run is not None
    assert record.run.stated is not None
    assert record.run.stated.metrics == {"train_loss": 0.5}
    assert {each.path for each in record.run.departures} == {
        "training.learning_rate",
        "training.lr_scheduler_type",
    }
    assert b"hf_secret" not in path.read_bytes()
    assert command(root, "show", "router") == 0
    shown = capsys.readouterr().out
    assert f"MLflow run {run_id}" in shown
    assert "train_loss=0.5" in shown
    assert not list((root / ".adapterctl" / "runs" / run_id).rglob("*.safetensors"))


def test_of_several_adapters_one_has_to_be_named(
    root: Path, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = log(root, adapter, "checkpoint-10", "final")
    assert command(root, "register", ROUTER, "--run", run_id) == 3
    assert "holds 2 adapters: checkpoint-10, final" in capsys.readouterr().err
    assert command(root, "register", ROUTER, "--run", f"{run_id}/final") == 0


def test_a_run_that_is_not_there_or_empty_is_named(
    root: Path, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = log(root, adapter)
    assert command(root, "register", ROUTER, "--run", "0" * 32) == 3
    assert f"no run '{'0' * 32}'" in capsys.readouterr().err
    assert command(root, "register", ROUTER, "--run", empty) == 3
    assert "no adapter_config.json among its artifacts" in capsys.readouterr().err
    assert command(root, "register", ROUTER, "--run", empty, "--adapter", str(adapter)) == 2
