"""A web server that keeps the JSON that it is sent, and answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class WebSink:
    """Answers every request with `status` and `body`; GET too, as after a redirect."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    """The headers of every request, also of those without a body."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def serving(sink: WebSink) -> Iterator[WebSink]:
    """Listen on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

        def do_GET(self) -> None:
            sink.heads.append(dict(self.headers))
            self.send_response(sink.status)
            for name, value in {**sink.headers, "Content-Length": str(len(sink.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sink.body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        sink.port = server.server_port
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
