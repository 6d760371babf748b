"""The same mirror against ``mlflow server``, which keeps the artifacts itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.errors import Mismatch
from adapterctl.stores.mlflow import MlflowMirror
from support.mirrors import entry

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | quiet,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{uri}/health")
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"{url} did not answer within two minutes")


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
