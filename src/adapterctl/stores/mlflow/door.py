"""The door to MLflow: quiet, without telemetry, and a server that is away is said quickly."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sqlite3
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapterctl.errors import MissingExtra, Unreachable

SQLITE = "sqlite:///"
PENDING = "nothing is lost; run adapterctl sync when MLflow answers"

# MLflow reads these from the environment only; what the user has set stays.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Its errors reach the user through ours; its own log would show them a second time.
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    # The defaults (7 retries, 120 s) keep a registration waiting for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
# A pooled connection would go on writing to a database file that has been deleted since.
_SQLITE_SETTINGS = {"MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool"}


def connect(
    uri: str, *, create: Callable[[Path], None], patience: float, hint: str = PENDING
) -> Any:
    """Returns an ``MlflowClient``, with the database made first when it is an absent SQLite file.

    Args:
        uri: MLflow's tracking URI; its model registry is taken to be at the same place.
        create: makes a new database at a path; see `create_database`.
        patience: seconds within which a server must give its first answer.
        hint: what to do when it does not.

    Raises:
        MissingExtra: MLflow is not installed.
        Unreachable: the server does not answer, or the file is no database.
    """
    os.environ.update({key: value for key, value in _settings(uri) if key not in os.environ})
    try:
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        if error.name != "mlflow":
            raise
        raise MissingExtra("mlflow", needed_for="writing to MLflow") from None
    # For a process that imported MLflow before us, whose log level is therefore its own.
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)
    with answering(uri, hint=hint):
        if uri.startswith(SQLITE):
            _open_database(Path(uri.removeprefix(SQLITE)), create)
        elif is_server(uri):
            _knock(uri, patience)
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


def is_server(uri: str) -> bool:
    """Returns whether artifacts go through a server, which decides where they lie."""
    return urlsplit(uri).scheme in {"http", "https"}


def shown(text: str) -> str:
    """Returns a URI, or a message with one, without user name and password."""
    return re.sub(r"://[^/\s@]*@", "://", text)


@contextmanager
def answering(uri: str, *, hint: str = PENDING) -> Iterator[None]:
    """Turns what MLflow raises when it cannot be read or written into `Unreachable`.

    A value that MLflow finds invalid is a mistake of ours and keeps its traceback.
    """
    from mlflow.exceptions import MlflowException

    failures = _failures(uri)
    try:
        yield
    except MlflowException as error:
        if error.error_code == "INVALID_PARAMETER_VALUE":
            raise
        raise _unreachable(uri, error.message, hint=hint) from error
    except failures as error:
        raise _unreachable(uri, error, hint=hint) from error


@contextmanager
def exclusive(path: Path, *, wait: float) -> Iterator[None]:
    """Holds a lock between processes; the system releases it when its holder dies.

    The lock is SQLite's on an empty file, for it works everywhere and needs no package.

    Raises:
        Unreachable: another process held it for ``wait`` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=wait, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise Unreachable(
                f"another process has been writing to MLflow for {wait:g} seconds",
                place=str(path),
                hint=PENDING,
            ) from None
        yield


def create_database(path: Path, *, artifact_root: Path, checkpoint: Callable[[str], None]) -> None:
    """Makes MLflow's SQLite database beside its place and renames it, for its own migrations
    cannot go on after an interruption."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    workshop = path.with_name(f".{path.name}.new")
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(parents=True)
    fresh = workshop / path.name
    SqlAlchemyStore(f"{SQLITE}{fresh}", artifact_root.as_uri()).engine.dispose()
    checkpoint("database")
    fresh.replace(path)
    shutil.rmtree(workshop)


def _failures(uri: str) -> tuple[type[Exception], ...]:
    """Returns what a database or a disk may raise past MLflow's own errors."""
    if is_server(uri):
        return (OSError,)
    from sqlalchemy.exc import SQLAlchemyError

    return (OSError, sqlite3.Error, SQLAlchemyError)


def _settings(uri: str) -> list[tuple[str, str]]:
    return [*_SETTINGS.items(), *(_SQLITE_SETTINGS.items() if uri.startswith(SQLITE) else ())]


def _open_database(path: Path, create: Callable[[Path], None]) -> None:
    """Makes the database if there is none; else asks it something, for MLflow would try a file
    that it cannot open ten times, over a hundred seconds."""
    if not path.exists():
        create(path)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master")


def _knock(uri: str, patience: float) -> None:
    """Waits for any answer at all: whether it is MLflow's is found out by asking it something."""
    try:
        urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=patience).close()
    except urllib.error.HTTPError:
        return
    except urllib.error.URLError as error:
        # MLFLOW_TRACKING_INSECURE_TLS and the like are MLflow's to judge.
        if not isinstance(error.reason, ssl.SSLError):
            raise OSError(str(error.reason)) from error


def _unreachable(uri: str, reason: object, *, hint: str) -> Unreachable:
    first = str(reason).strip().partition("\n")[0]
    return Unreachable(shown(first), place=f"MLflow at {shown(uri)}", hint=hint)
