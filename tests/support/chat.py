"""An OpenAI-compatible server on this machine, that answers by a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.loopback import listening


@dataclass
class Served:
    """Where it listens, and what it was asked: path, headers, body."""

    url: str
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)


@contextmanager
def served(
    answer: Callable[[dict[str, Any]], str], *, status: int = 200, body: bytes | None = None
) -> Iterator[Served]:
    """Serves chat completions that ``answer`` gives; or ``status``, or ``body`` as it stands."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            there.asked.append((self.path, dict(self.headers), asked))
            message = {"role": "assistant", "content": answer(asked)}
            content = body or json.dumps({"choices": [{"index": 0, "message": message}]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with listening(Handler) as port:
        there = Served(f"http://127.0.0.1:{port}/v1")
        yield there
