"""A registry whose versions' bytes lie where records say, and servers that stay silent.

Objects are laid out as DVC lays them out; `tests/stores/test_dvc_presence.py` holds that to DVC.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from adapterctl.jobs.audit import audit
from adapterctl.records.policy import WorldPolicy
from adapterctl.records.version import ArtifactPin, DatasetPin, FilePin, VersionRecord
from adapterctl.rules.findings import Audit, Finding
from support.registries import SmallRegistry, in_days

ADAPTER = "support-router"
SUBJECT = f"adapter:{ADAPTER}@1"
WEIGHTS = "adapter/adapter_model.safetensors"


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Bytes:
    """Contents by the md5 under which DVC keeps them, and how records pin them."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def file(self, path: str, content: bytes) -> DatasetPin:
        self.objects[md5(content)] = content
        return DatasetPin(path=path, md5=md5(content), sha256=sha256(content), size=len(content))

    def folder(self, files: Mapping[str, bytes]) -> ArtifactPin:
        for content in files.values():
            self.objects[md5(content)] = content
        entries = [{"md5": md5(files[name]), "relpath": name} for name in sorted(files)]
        listing = json.dumps(entries).encode()
        name = f"{md5(listing)}.dir"
        self.objects[name] = listing
        pins = [
            FilePin(path=each, sha256=sha256(files[each]), size=len(files[each])) for each in files
        ]
        return ArtifactPin(md5=name, size=sum(map(len, files.values())), files=pins)

    def into(self, folder: Path) -> None:
        """Lays the objects out as DVC does."""
        for name, content in self.objects.items():
            path = at(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def at(remote: Path, name: str) -> Path:
    """Returns where a remote keeps an object."""
    return remote / "files" / "md5" / name[:2] / name[2:]


class Place(SmallRegistry):
    """One adapter that nothing is to be found about, its bytes and its base where they belong."""

    def __init__(self, root: Path) -> None:
        super().__init__(root / "project")
        self.bytes = Bytes()
        self.remote = root / "storage"
        self.remote.mkdir()
        self.base("minilm-l6")
        for folder in ("bases/minilm-l6", "mirrors/minilm-l6"):
            (self.root / folder).mkdir(parents=True)
        self.date("minilm-l6", in_days(2000), kind="not_before")
        self.config(url=str(self.remote))

    def config(self, **told: str) -> None:
        """Writes DVC's configuration with one remote, the default."""
        lines = "".join(f"    {name} = {value}\n" for name, value in told.items())
        path = self.root / ".dvc" / "config"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"[core]\n    remote = storage\n['remote \"storage\"']\n{lines}")

    def serve(self, **changes: Any) -> VersionRecord:
        """Registers the adapter; what it pins is laid into the remote."""
        files = {WEIGHTS: b"weights", "adapter/adapter_config.json": b"{}"}
        pins = {
            "train": self.bytes.file("data/train.jsonl", b'{"text": "a"}\n'),
            "evaluation": {
                "gold": self.bytes.file("data/gold.jsonl", b'{"text": "b"}\n'),
                "shadow": self.bytes.file("data/shadow.jsonl", b'{"text": "c"}\n'),
            },
            "selection": None,
            "artifacts": self.bytes.folder(files),
            **changes,
        }
        record = self.version(self.recipe(ADAPTER), **pins)
        self.event(ADAPTER, "reproduced", record.version, at="2026-10-01T09:00:00Z")
        self.event(ADAPTER, "promoted", record.version, at="2026-06-02T09:00:00Z")
        self.bytes.into(self.remote)
        return record

    def ask(self, **options: Any) -> Audit:
        """Returns the audit of the place, the world included."""
        return audit(self.project(), world=True, **options)

    def allow(self, seconds: float, **more: Any) -> None:
        """Writes params.yaml with so much patience."""
        self.policy(world=WorldPolicy(seconds=seconds), **more)


def told(answer: Audit) -> list[tuple[str, str]]:
    """Returns code and message of every finding."""
    return [(found.code, found.message) for found in answer.findings]


def skips(answer: Audit) -> dict[str, str]:
    """Returns the reason of every `Skipped` by its subject."""
    assert len({each.subject for each in answer.skipped}) == len(answer.skipped)
    return {each.subject: each.reason for each in answer.skipped}


def only(answer: Audit) -> Finding:
    """Returns the one finding; nothing may have been skipped."""
    [found] = answer.findings
    assert answer.skipped == []
    return found


@contextmanager
def silent() -> Iterator[str]:
    """A server that accepts every connection and never answers; yields its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@dataclass
class Web:
    """What a server on loopback answers: path to (status, content type, body).

    Attributes:
        asked: (path, headers) of every request.
    """

    pages: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def json(self, path: str, value: Any, kind: str = "application/json") -> None:
        self.pages[path] = (200, kind, json.dumps(value).encode())


@contextmanager
def serving(web: Web) -> Iterator[str]:
    """Serves pages; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            web.asked.append((self.path, dict(self.headers)))
            status, kind, body = web.pages.get(self.path, (404, "text/plain", b""))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
