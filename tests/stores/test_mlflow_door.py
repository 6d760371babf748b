"""The door to MLflow: quiet, light until it is opened, and an absent server is said quickly."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from adapterctl.errors import Unreachable
from adapterctl.stores.mlflow import MlflowMirror
from adapterctl.stores.mlflow.door import exclusive, shown
from support.mirrors import entry

TESTS = Path(__file__).resolve().parent.parent
HINT = "nothing is lost; run adapterctl sync when MLflow answers"

# A user's shell: neither the suite's settings nor the marks by which MLflow knows a test run.
BARE = {
    key: value
    for key, value in os.environ.items()
    if not key.startswith(("MLFLOW_", "PYTEST_", "ADAPTERCTL_"))
    and key not in {"CI", "DO_NOT_TRACK"}
}


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=BARE | {"PYTHONPATH": str(TESTS)},
        check=False,
    )


@contextmanager
def listening() -> Iterator[int]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class NotMlflow(BaseHTTPRequestHandler):
    """A web server, but not MLflow's."""

    def do_GET(self) -> None:
        self.send_error(404)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def serving() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), NotMlflow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def asked(uri: str, folder: Path) -> tuple[Unreachable, float]:
    """Returns the refusal, and the seconds it took."""
    mirror = MlflowMirror(uri, artifact_root=folder / "mlartifacts", patience=0.5)
    started = time.monotonic()
    with pytest.raises(Unreachable) as refused:
        mirror.highest_version("a")
    return refused.value, time.monotonic() - started


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """Imports MLflow beforehand, so that what is timed is the refusal."""
    import mlflow.tracking  # noqa: F401


def test_a_server_that_is_down_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error, seconds = asked(f"http://127.0.0.1:{port}", tmp_path)
    (problem,) = error.problems
    assert problem.place == f"MLflow at http://127.0.0.1:{port}"
    assert problem.what == "[Errno 111] Connection refused"
    assert problem.hint == HINT
    assert seconds < 2


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with listening() as port:
        error, seconds = asked(f"http://127.0.0.1:{port}", tmp_path)
    assert error.problems[0].what == "timed out"
    assert seconds < 3


def test_another_web_server_is_not_taken_for_mlflow(tmp_path: Path) -> None:
    with serving() as port:
        error, seconds = asked(f"http://127.0.0.1:{port}", tmp_path)
    assert "404" in error.problems[0].what
    assert seconds < 3


def test_a_name_that_does_not_exist_is_said(tmp_path: Path) -> None:
    error, _ = asked("http://mlflow.invalid:5000", tmp_path)
    assert error.problems[0].place == "MLflow at http://mlflow.invalid:5000"


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("This is not a database, but long enough to be taken for one." * 20)
    error, seconds = asked(f"sqlite:///{path}", tmp_path)
    assert str(error) == (f"MLflow at sqlite:///{path}: file is not a database\n  hint: {HINT}")
    assert seconds < 2


def test_a_place_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error, _ = asked(f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}", tmp_path)
    assert "Not a directory" in error.problems[0].what


def test_credentials_in_the_uri_are_not_shown(tmp_path: Path) -> None:
    assert shown("https://user:secret@mlflow.example/path") == "https://mlflow.example/path"
    assert shown("sqlite:////srv/project/mlflow.db") == "sqlite:////srv/project/mlflow.db"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error, _ = asked(f"http://user:secret@127.0.0.1:{port}", tmp_path)
    assert "secret" not in str(error)


def test_a_lock_that_another_holds_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "a.lock"
    with exclusive(lock, wait=0), pytest.raises(Unreachable) as refused, exclusive(lock, wait=0.1):
        pytest.fail("two hold one lock")
    assert refused.value.problems[0].what == (
        "another process has been writing to MLflow for 0.1 seconds"
    )
    with exclusive(lock, wait=0):
        pass


def test_nothing_is_imported_before_the_door_is_opened() -> None:
    heavy = "mlflow", "pandas", "numpy", "sqlalchemy", "alembic"
    code = (
        "import sys, adapterctl.stores.mlflow as door\n"
        "door.MlflowMirror('sqlite:///never.db', artifact_root=__import__('pathlib').Path('x'))\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = python(code)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_mirroring_says_nothing_and_calls_nobody(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, warnings\n"
        "warnings.filterwarnings('ignore', 'The ``noload`` loader', DeprecationWarning)\n"
        "from support.mirrors import entry\n"
        "from adapterctl.stores.mlflow import MlflowMirror\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "uri = f'sqlite:///{folder / \"mlflow.db\"}'\n"
        "mirror = MlflowMirror(uri, artifact_root=folder / 'mlartifacts')\n"
        "mirror.mirror(entry(folder / 'version', adapter='a', version=2))\n"
        "from mlflow.telemetry import client, get_telemetry_client\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "print(is_telemetry_disabled(), get_telemetry_client())"
    )
    done = python(code, str(tmp_path))
    assert (done.stdout, done.stderr) == ("True None\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "locks",
        "mlartifacts",
        "mlflow.db",
        "version",
    ]


def test_two_processes_mirroring_at_once_lose_nothing(tmp_path: Path) -> None:
    entries = [entry(tmp_path / "version", adapter="a", version=n) for n in range(1, 9)]
    code = (
        "import sys, pathlib\n"
        "from support.mirrors import entry\n"
        "from adapterctl.stores.mlflow import MlflowMirror\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "uri = f'sqlite:///{folder / \"mlflow.db\"}'\n"
        "mirror = MlflowMirror(uri, artifact_root=folder / 'mlartifacts')\n"
        "for number in map(int, sys.argv[2:]):\n"
        "    mirror.mirror(entry(folder / 'version', adapter='a', version=number))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    environment = BARE | {"PYTHONPATH": str(TESTS)}
    both = [
        subprocess.Popen([*command, *numbers], env=environment)
        for numbers in (["1", "3", "5", "7"], ["2", "4", "6", "8"])
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mirror = MlflowMirror(uri, artifact_root=tmp_path / "mlartifacts")
    pairs = [(each.record.version, each.record_digest) for each in entries]
    assert mirror.missing("a", pairs) == []
    assert mirror.highest_version("a") == 8


def test_a_database_deleted_meanwhile_is_made_anew(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    first = entry(tmp_path / "version", adapter="a")
    for _ in range(2):
        mirror = MlflowMirror(uri, artifact_root=tmp_path / "mlartifacts")
        assert mirror.missing("a", [(1, first.record_digest)]) == [1]
        mirror.mirror(first)
        (tmp_path / "mlflow.db").unlink()
