"""A real HTTP server in front of a simulation: the Events API on 127.0.0.1."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from detector.events import FEEDS
from detector.simulator.budget import Budget
from detector.simulator.endpoints import PATHS, Clock, Endpoints, Page
from detector.simulator.faults import FaultPlan
from detector.simulator.replies import Reply, bad_request, found, not_found, refused
from detector.simulator.sabotage import Sabotage
from detector.simulator.simulation import Simulation

_LARGEST_BODY: Final = 1 << 20


class Server:
    """The running API. `requests` counts what was asked of it, `requests_by_feed` by feed."""

    def __init__(
        self,
        endpoints: Endpoints,
        clock: Clock,
        listener: ThreadingHTTPServer,
        faults: FaultPlan | None,
        budget: Budget | None,
    ) -> None:
        self._endpoints, self._clock, self._listener = endpoints, clock, listener
        self._sabotage = Sabotage(faults or FaultPlan())
        self._budget = budget
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{listener.server_address[1]}"
        self.token = endpoints.issue(FEEDS)
        self.requests_by_feed: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        """The number of requests so far, the refused ones included."""
        return self.requests_by_feed.total()

    def issue(self, features: tuple[str, ...], *, days: int = 365) -> str:
        """A further token, for some of the feeds only."""
        return self._endpoints.issue(features, days=days)

    def revoke(self, token: str) -> None:
        """Refuse a token from now on."""
        self._endpoints.revoke(token)

    def stop(self) -> None:
        """Stop serving and close the port."""
        self._sabotage.stopping.set()
        self._listener.shutdown()
        self._listener.server_close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def handle(self, request: BaseHTTPRequestHandler, body: bytes) -> bool:
        """Answer one request; False if the connection is no longer of use."""
        if self._sabotage.stopping.is_set():
            return False
        name = PATHS.get(request.path.partition("?")[0], "")
        with self._lock:
            self.requests_by_feed[name or "unknown"] += 1
            fault = self._sabotage.next(name)
        reply = self._reply(request, name, body)
        if isinstance(reply, Page):
            with self._lock:
                page = self._sabotage.page(name, reply, fault)
            reply = found({"cursor": page.cursor, "has_more": page.has_more, "items": page.items})
        if fault is not None:
            reply = self._sabotage.reply(reply, fault, self._clock())
        return self._sabotage.send(request, reply, fault)

    def _reply(self, request: BaseHTTPRequestHandler, name: str, body: bytes) -> Reply | Page:
        if not name:
            return not_found()
        if len(body) > _LARGEST_BODY:
            return bad_request()
        token = self._endpoints.token(request.headers.get("Authorization"))
        if token is not None and self._budget is not None:
            with self._lock:
                wait_s = self._budget.wait_s(self._clock())
            if wait_s > 0:
                return refused(429, {"Retry-After": str(int(wait_s) + 1)})
        return self._endpoints.answer(name, request.command, token, body)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    api: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle of a request is nothing to speak of."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: _Listener

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdigit() else 0
        body = self.rfile.read(min(size, _LARGEST_BODY + 1))
        if not self.server.api.handle(self, body) or size > _LARGEST_BODY:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep quiet: the caller counts requests."""


def serve(
    simulation: Simulation,
    clock: Clock,
    *,
    port: int = 0,
    faults: FaultPlan | None = None,
    rate_limit: bool = False,
) -> Server:
    """Serve a simulation as of `clock` until `stop` is called or the `with` block ends."""
    listener = _Listener(("127.0.0.1", port), _Request)
    host = f"127.0.0.1:{listener.server_address[1]}"
    endpoints = Endpoints(simulation, clock, host, keyset=faults is not None and faults.keyset)
    listener.api = Server(endpoints, clock, listener, faults, Budget() if rate_limit else None)
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    return listener.api
