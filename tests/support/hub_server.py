"""The Hub on loopback: what huggingface_hub asks of it for listings and downloads."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".bin")
"""What the Hub keeps under Git LFS, whose sha256 it therefore knows."""

STORE = "/store"
"""Where large files lie: the Hub sends their readers on to it."""

Refusal = tuple[int, dict[str, str]]

GATED: Refusal = (403, {"X-Error-Code": "GatedRepo"})
UNAUTHORIZED: Refusal = (401, {"X-Error-Message": "Invalid username or password."})
FORBIDDEN: Refusal = (403, {"X-Error-Message": "no"})
DISABLED: Refusal = (403, {"X-Error-Message": "Access to this resource is disabled."})
LIMITED: Refusal = (429, {})
BROKEN: Refusal = (500, {})
NO_REVISION: Refusal = (404, {"X-Error-Code": "RevisionNotFound"})
NO_REPOSITORY: Refusal = (404, {"X-Error-Code": "RepoNotFound"})
NO_FILE: Refusal = (404, {"X-Error-Code": "EntryNotFound"})


@dataclass
class HubContent:
    """What the Hub holds; every repository is at ``commits`` or `COMMIT`, its branch is main.

    Attributes:
        files: repository to path to content.
        refused: repositories about which it tells nothing but this.
        closed: repositories that it describes, and whose files it refuses.
        tokens: repositories that it shows to nobody else.
        asked: the paths that were asked for.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)
    closed: dict[str, Refusal] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, token: str | None) -> tuple[str, bytes] | Refusal:
        """Returns commit and body, or a refusal."""
        kind, repo, rest = _parts(path.removeprefix(STORE))
        revision, _, name = rest.partition("/")
        refusal = self._refusal(kind, repo, revision)
        if self.tokens.get(repo, token) != token:
            return UNAUTHORIZED
        if refusal is not None:
            return refusal
        commit, files = self._commit(repo), self.files[repo]
        if kind == "revision":
            return commit, _json(_info(repo, commit, files))
        if kind == "tree":
            return commit, _json([_tree_entry(*item) for item in files.items()])
        return (commit, files[name]) if name in files else NO_FILE

    def _refusal(self, kind: str, repo: str, revision: str) -> Refusal | None:
        if repo in self.refused:
            return self.refused[repo]
        if repo not in self.files:
            return NO_REPOSITORY
        if revision not in {"main", self._commit(repo)}:
            return NO_REVISION
        return self.closed.get(repo) if kind == "resolve" else None

    def _commit(self, repo: str) -> str:
        return self.commits.get(repo, COMMIT)


@contextmanager
def serving(content: HubContent) -> Iterator[str]:
    """Serves ``content`` and yields the endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            content.asked.append(path)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
            match content.answer(path, token):
                case (str(commit), body) if path.endswith(LARGE) and not path.startswith(STORE):
                    self.send(302, _linked(path, commit, body), b"")
                case (str(commit), body):
                    sent = {"ETag": f'"{_etag(path, body)}"', "X-Repo-Commit": commit}
                    self.send(200, sent, body)
                case (status, headers):
                    self.send(status, headers, b"")

        def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def git_blob(content: bytes) -> str:
    """Returns git's id of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _parts(path: str) -> tuple[str, str, str]:
    """Returns (kind, repository, rest) of ``/api/models/O/N/KIND/...`` or ``/O/N/resolve/...``."""
    owner, name, kind, *rest = path.removeprefix("/api/models").strip("/").split("/")
    return kind, f"{owner}/{name}", "/".join(rest)


def _linked(path: str, commit: str, body: bytes) -> dict[str, str]:
    """Returns what the Hub says of a large file before it sends the reader on."""
    return {
        "X-Repo-Commit": commit,
        "X-Linked-ETag": f'"{_etag(path, body)}"',
        "X-Linked-Size": str(len(body)),
        "Location": f"{STORE}{path}",
    }


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _etag(path: str, content: bytes) -> str:
    large = path.endswith(LARGE)
    return hashlib.sha256(content).hexdigest() if large else git_blob(content)


def _info(repo: str, commit: str, files: dict[str, bytes]) -> dict[str, Any]:
    siblings = [
        {
            "rfilename": path,
            "size": len(content),
            "blobId": git_blob(content),
            **_lfs(path, content),
        }
        for path, content in files.items()
    ]
    info = {"id": repo, "modelId": repo, "sha": commit, "siblings": siblings}
    if "config.json" in files:
        config = json.loads(files["config.json"])
        told = ("architectures", "model_type")
        info["config"] = {key: config[key] for key in told if key in config}
    return info


def _tree_entry(path: str, content: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": path, "size": len(content), "oid": git_blob(content)}
    lfs = _lfs(path, content)
    if lfs:
        lfs["lfs"]["oid"] = lfs["lfs"].pop("sha256")
    return {**entry, **lfs}


def _lfs(path: str, content: bytes) -> dict[str, Any]:
    if not path.endswith(LARGE):
        return {}
    sha256 = hashlib.sha256(content).hexdigest()
    return {"lfs": {"sha256": sha256, "size": len(content), "pointerSize": 134}}
