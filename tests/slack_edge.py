"""The edge of Slack that the emulator lacks: Socket Mode, rate limits, bad days, and what was asked.

HTTP goes on to the emulator, except for what opens a socket; envelopes are as Slack's pages on
Socket Mode describe them: hello, interactive with an `envelope_id`, disconnect.
"""

from __future__ import annotations

import itertools
import json
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from socket import SO_LINGER, SOL_SOCKET
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.slack_limits import Limiter

TEAM = "T000000001"
APP_TOKEN = "xapp-1-test"
FAULTS: Final = {
    "taken, then reset": (0, ""),
    "taken, then 500": (500, "<html>oops</html>"),
    "taken, then no JSON": (200, '{"ok": tr'),
    "taken, then a page": (200, "<html>a proxy</html>"),
    "reset": (0, ""),
    "503": (503, "<html>down</html>"),
    "502": (502, ""),
    "a page": (200, "<html>a proxy</html>"),
}
"""Answers that say nothing: status (0: the connection is reset) and body."""
_numbers = itertools.count(1)


@dataclass
class SlackEdge:
    """What the service said over HTTP (`asked`), and the sockets it opened (`sockets`)."""

    upstream: str
    ws_port: int = 0
    http_port: int = 0
    emails: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sockets: list[ServerConnection] = field(default_factory=list)
    acknowledged: Queue[str] = field(default_factory=Queue)
    limiter: Limiter | None = None
    fault: Callable[[str], str] = lambda _method: ""
    """What goes wrong with a call of a method: one of FAULTS, or an error code of Slack's."""

    @property
    def base_url(self) -> str:
        """Where the service finds Slack."""
        return f"http://127.0.0.1:{self.http_port}/api/"

    def calls(self, method: str) -> list[dict[str, str]]:
        """The arguments of each call of a method."""
        return [arguments for name, arguments in self.asked if name == method]

    def deliver(self, payload: dict[str, Any]) -> None:
        """Send one interaction on the newest socket, until it is acknowledged as Slack wants it."""
        envelope = f"envelope-{next(_numbers)}"
        sent = {"type": "interactive", "envelope_id": envelope, "payload": payload}
        for _try in range(3):  # a socket may be replaced by a newer one just now
            with suppress(ConnectionClosed, Empty):
                self.sockets[-1].send(json.dumps(sent))
                while self.acknowledged.get(timeout=3) != envelope:
                    pass
                return
        raise AssertionError("not acknowledged within three seconds")

    def wait_s(self, method: str, arguments: dict[str, str]) -> int:
        """How long Slack asks to wait; 0 if the call may pass."""
        channel = arguments.get("channel", "")
        return self.limiter.wait_s(method, channel) if self.limiter else 0

    def answer(self, method: str, arguments: dict[str, str]) -> dict[str, Any] | None:
        """What this edge says itself; null for what the emulator says."""
        if method == "apps.connections.open":
            return {"ok": True, "url": f"ws://127.0.0.1:{self.ws_port}/link"}
        if method == "users.info":
            profile = {"email": self.emails.get(arguments["user"], "")}
            return {"ok": True, "user": {"id": arguments["user"], "profile": profile}}
        if method in {"auth.test", "views.open", "chat.postEphemeral"}:
            return {"ok": True, "team_id": TEAM}
        return None


@contextmanager
def slack_edge(upstream: str, **fields: Any) -> Iterator[SlackEdge]:
    """Stand before the emulator at `upstream`."""
    edge = SlackEdge(upstream, **fields)
    with (
        serve(lambda socket: _socket(edge, socket), "127.0.0.1", 0) as sockets,
        ThreadingHTTPServer(("127.0.0.1", 0), _handler(edge)) as web,
    ):
        edge.ws_port, edge.http_port = sockets.socket.getsockname()[1], web.server_port
        threads = [
            Thread(target=sockets.serve_forever),
            Thread(target=web.serve_forever, args=(0.05,)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield edge
        finally:
            web.shutdown()
            sockets.shutdown()
            for thread in threads:
                thread.join()


def _socket(edge: SlackEdge, socket: ServerConnection) -> None:
    socket.send(json.dumps({"type": "hello", "num_connections": 1}))
    edge.sockets.append(socket)
    with suppress(ConnectionClosed):
        for message in socket:
            edge.acknowledged.put(json.loads(message)["envelope_id"])


class _Talker(BaseHTTPRequestHandler):
    def _say(self, status: int, answer: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _fail(self, status: int, answer: str) -> None:
        if not status:
            self.close_connection = True
            self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            return
        self._say(status, answer.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _handler(edge: SlackEdge) -> type[BaseHTTPRequestHandler]:
    class Handler(_Talker):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            method = self.path.rsplit("/", 1)[-1]
            arguments = _arguments(body)
            edge.asked.append((method, arguments))
            fault = edge.fault(method)
            if wait_s := edge.wait_s(method, arguments):
                self._say(429, b'{"ok":false,"error":"ratelimited"}', {"Retry-After": str(wait_s)})
            elif fault in FAULTS:
                if fault.startswith("taken"):
                    self._forwarded(method, body)
                self._fail(*FAULTS[fault])
            else:
                own = {"ok": False, "error": fault} if fault else edge.answer(method, arguments)
                self._say(200, json.dumps(own).encode() if own else self._forwarded(method, body))

        def _forwarded(self, method: str, body: bytes) -> bytes:
            headers = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
            with urlopen(Request(edge.upstream + method, body, headers)) as answer:
                return bytes(answer.read())

    return Handler


def _arguments(body: bytes) -> dict[str, str]:
    if body.startswith(b"{"):
        told = json.loads(body)
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in told.items()
        }
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def sent_off(view: dict[str, Any], answers: dict[str, Any], *, user: str) -> dict[str, Any]:
    """A window that was filled in, as Slack tells of it."""
    values = {name: {name: value} for name, value in answers.items()}
    return {
        "type": "view_submission",
        "user": {"id": user, "team_id": TEAM},
        "team": {"id": TEAM},
        "trigger_id": f"{time.monotonic_ns()}.2",
        "view": {**view, "state": {"values": values}},
    }
