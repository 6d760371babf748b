"""A loopback S3, made of moto: in this process, on a free port, gone afterwards."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REGION = "eu-central-1"


@contextmanager
def environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Sets variables (``None`` takes one away) and puts back what was there."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


class LoopbackS3:
    """An S3 that answers on this machine only, and the client that a test sets it up with."""

    def __init__(self, endpoint: str, gate: Gate) -> None:
        import boto3

        self.endpoint = endpoint
        self.gate = gate
        self.client: Any = boto3.client("s3")

    def bucket(self, name: str, *, versioned: bool = False) -> str:
        """Makes a bucket and returns its address."""
        where = {"LocationConstraint": REGION}
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        if versioned:
            status = {"Status": "Enabled"}
            self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)
        return f"s3://{name}"

    def put(self, bucket: str, key: str, body: bytes) -> str | None:
        """Writes an object and returns its version id, where there is one."""
        version: str | None = self.client.put_object(Bucket=bucket, Key=key, Body=body).get(
            "VersionId"
        )
        return version

    def retain(self, bucket: str, *rules: dict[str, Any]) -> None:
        """Gives a bucket these lifecycle rules; without any, takes away what it has."""
        if not rules:
            self.client.delete_bucket_lifecycle(Bucket=bucket)
            return
        made = [{"ID": f"rule-{n}", "Status": "Enabled", **each} for n, each in enumerate(rules)]
        self.client.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": made}
        )

    def deny(self, bucket: str, what: str = "") -> None:
        """Lets nobody into a bucket, or not ask for a part of its settings (``lifecycle``)."""
        self.gate.denied.add((bucket, what))


def keep_in(root: Path, url: str, s3: LoopbackS3) -> None:
    """Points a project's DVC remote at a bucket, as `dvc remote modify` does."""
    config = root / ".dvc" / "config"
    told = rf"\g<1>url = {url}\n\g<1>endpointurl = {s3.endpoint}"
    text, count = re.subn(r"(?m)^(\s*)url = .*$", told, config.read_text())
    assert count == 1
    config.write_text(text)


class Gate:
    """moto behind a door that says 403, cuts off, or adds, where it was told to."""

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app

        self.moto: Any = DomainDispatcherApplication(create_backend_app)
        self.denied: set[tuple[str, str]] = set()
        self.expiry: str | None = None
        self.cut = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        bucket, asked = environ["PATH_INFO"].split("/")[1], environ["QUERY_STRING"]
        if (bucket, "") in self.denied or (bucket, asked.partition("=")[0]) in self.denied:
            body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            head = environ["REQUEST_METHOD"] == "HEAD"
            headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
            start_response("403 Forbidden", headers)
            return [b""] if head else [body]

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            # moto does not say when an object ends, as S3 does.
            told = [("x-amz-expiration", self.expiry)] if self.expiry else []
            return start_response(status, [*headers, *told], *more)

        answer = self.moto(environ, start)
        if self.cut and environ["REQUEST_METHOD"] == "GET":
            body = b"".join(answer)
            return [body[: len(body) // 2]]
        return answer


@contextmanager
def loopback_s3() -> Iterator[LoopbackS3]:
    """Runs a loopback S3 that boto3 and DVC find by the environment."""
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    gate = Gate()
    server = make_server("127.0.0.1", 0, gate, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.port}"
    with tempfile.TemporaryDirectory() as folder, environment(_found(endpoint, Path(folder))):
        try:
            yield LoopbackS3(endpoint, gate)
        finally:
            # What moto keeps is kept by the process.
            urllib.request.urlopen(f"{endpoint}/moto-api/reset", data=b"").close()
            server.shutdown()
            thread.join()
            server.server_close()


def _found(endpoint: str, folder: Path) -> dict[str, str | None]:
    """Returns the variables by which S3 is found, and nothing of whoever runs the tests."""
    for name in ("config", "credentials"):
        (folder / name).touch()
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_PROFILE": None,
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        # A loopback S3 answers at once or not at all.
        "AWS_MAX_ATTEMPTS": "1",
    }
