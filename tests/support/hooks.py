"""A webhook on loopback that keeps what it was told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.loopback import listening


@dataclass
class Hook:
    """Where to send, what was sent (path, title, body), and which paths answer with an error."""

    port: int
    told: list[tuple[str, str, str]] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)

    def url(self, path: str, *, userinfo: str = "") -> str:
        """Returns the apprise URL of a path."""
        return f"json://{userinfo}127.0.0.1:{self.port}/{path}"


@contextmanager
def hook() -> Iterator[Hook]:
    """Serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = self.path.strip("/").partition("?")[0]
            status = there.refuses.get(path, 200)
            if status == 200:
                there.told.append((path, said["title"], said["message"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keeps the terminal quiet."""

    with listening(Handler) as port:
        there = Hook(port)
        yield there
