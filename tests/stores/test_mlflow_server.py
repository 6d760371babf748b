"""The same mirror against ``mlflow server``, which keeps the artifacts itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.errors import Mismatch, NotFound, Unreachable
from adapterctl.stores.mlflow import MlflowMirror, RegisteredModels
from support.adapter_folders import adapter_folder, some_weights
from support.mirrors import entry
from support.mlflow_servers import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running.uri


@pytest.fixture
def mirror(server: str, tmp_path: Path) -> MlflowMirror:
    return MlflowMirror(server, artifact_root=tmp_path / "unused")


def test_versions_gaps_and_aliases_are_as_on_sqlite(mirror: MlflowMirror, tmp_path: Path) -> None:
    entries = [entry(tmp_path / str(n), adapter="served", version=n) for n in (1, 2, 3)]
    pairs = [(each.record.version, each.record_digest) for each in entries]
    for each in (entries[0], entries[2]):
        mirror.mirror(each)
    assert mirror.missing("served", pairs) == [2]
    mirror.mirror(entries[1])
    assert mirror.missing("served", pairs) == []
    mirror.set_aliases("served", {"champion": 3, "previous": 1})
    assert mirror.aliases("served") == {"champion": 3, "previous": 1}
    mirror.set_aliases("served", {"champion": 2})
    assert mirror.aliases("served") == {"champion": 2}
    mirror.tag("served", 1, {"adapterctl.state": "retired"})


def test_the_artifacts_go_through_the_server(
    mirror: MlflowMirror, server: str, tmp_path: Path
) -> None:
    from mlflow.tracking import MlflowClient

    mirror.mirror(entry(tmp_path / "1", adapter="uploaded"))
    client = MlflowClient(tracking_uri=server, registry_uri=server)
    version = client.get_model_version("uploaded", "1")
    assert version.source.startswith("mlflow-artifacts:/")
    assert client.get_run(version.run_id).info.status == "FINISHED"
    folder = Path(client.download_artifacts(version.run_id, "adapter", str(tmp_path)))
    names = ["MLmodel", "adapter_config.json", "adapter_model.safetensors", "adapterctl.json"]
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == names
    assert not (tmp_path / "unused").exists()


def test_another_record_under_a_number_is_refused(mirror: MlflowMirror, tmp_path: Path) -> None:
    mirror.mirror(entry(tmp_path / "1", adapter="taken"))
    with pytest.raises(Mismatch, match="version 1 of taken is record"):
        mirror.mirror(entry(tmp_path / "1", adapter="taken", changes={"created_by": "Grace"}))


def test_mlflow_still_refuses_a_bare_local_path_as_source(server: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=server, registry_uri=server)
    client.create_registered_model("local-path")
    with pytest.raises(MlflowException, match="Invalid model version source"):
        client.create_model_version("local-path", "/does/not/exist")


def test_a_model_that_others_registered_is_read_and_its_adapter_fetched(
    server: str, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(server, server)
    run_id = client.create_run(client.create_experiment("theirs")).info.run_id
    client.log_param(run_id, "r", "8")
    folder = adapter_folder(tmp_path / "theirs", weights=some_weights())
    client.log_artifacts(run_id, str(folder), "model/adapter")
    client.log_text(run_id, "large", "model/base.bin")
    client.create_registered_model("theirs")
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    client.create_model_version("theirs", source, run_id)
    client.set_registered_model_alias("theirs", "live", "1")

    models = RegisteredModels(server)
    stated = models.stated("theirs", models.newest("theirs"))
    assert (stated.version, stated.aliases, stated.params) == (1, ["live"], {"r": "8"})
    models.fetch_adapters("theirs", 1, into=tmp_path / "into")
    fetched = sorted(path.name for path in (tmp_path / "into").rglob("*") if path.is_file())
    assert fetched == ["adapter_config.json", "adapter_model.safetensors"]
    with pytest.raises(NotFound, match="no registered model 'nobody'"):
        models.newest("nobody")


def test_a_server_that_is_away_is_said_with_what_to_do() -> None:
    with pytest.raises(Unreachable) as caught:
        RegisteredModels("http://127.0.0.1:9")
    assert "import it again when MLflow answers" in str(caught.value)
