"""Destinations that drip their answer hold up neither polling, nor each other, nor the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

from detector import stopping
from detector.rendering.samples import impossible_travel
from detector.simulator import serve
from detector.store.sqlite import Commit, Sqlite
from tests.api import company
from tests.dripping import HEADERS, dripping
from tests.stories import audit
from tests.waiting import until
from tests.web_sink import WebSink, serving

ROOT = Path(__file__).parents[1]
DRIPPING = {
    "slack.bot": (
        HEADERS,
        """
        base_url = "http://127.0.0.1:{port}/api/"
        channel = "C1"
        token = {{ env = "OP_EVENTS_TOKEN" }}
        """,
    ),
    "slack.hook": (HEADERS, 'webhook = {{ env = "URL_{port}" }}'),
    "webhook.web": (
        HEADERS,
        """
        url = "http://127.0.0.1:{port}/"
        secret = {{ env = "OP_EVENTS_TOKEN" }}
        """,
    ),
    "email.mail": (
        b"220 ",
        """
        host = "127.0.0.1"
        port = {port}
        tls = "none"
        to = ["soc@example.com"]
        """,
    ),
    "other.apprise": (HEADERS, 'url = {{ env = "JSON_{port}" }}'),
}
"""Destinations, how each one's server begins to answer, and how it is configured."""


def test_sinks_that_drip_hold_up_neither_polling_nor_the_others_nor_the_end(
    tmp_path: Path,
) -> None:
    data, log, now = tmp_path / "data", tmp_path / "log", datetime.now(UTC)
    store = Sqlite(data)
    alert = replace(impossible_travel(), account="acme", time=now, detected_at=now)
    store.commit(Commit("acme", now, alerts=[alert]))
    store.close()
    lived = [audit("ann", "paris", now + timedelta(seconds=each)) for each in range(1, 120)]
    with ExitStack() as held:
        api = held.enter_context(serve(company(lived), lambda: datetime.now(UTC)))
        sink = held.enter_context(serving(WebSink()))
        posts = held.enter_context(_slack_whose_uploads_drip())
        text, environ = _config(api.url, data, sink.url, posts), dict(os.environ)
        for name, (answer, fields) in DRIPPING.items():
            port = held.enter_context(dripping(answer))
            text += f"[{name}]\n{fields.format(port=port)}\n"
            environ[f"URL_{port}"] = f"http://127.0.0.1:{port}/"
            environ[f"JSON_{port}"] = f"json://127.0.0.1:{port}/"
        config = tmp_path / "vaultwatch.toml"
        config.write_text(text)
        with _service(config, environ | {"OP_EVENTS_TOKEN": api.token}, log) as process:
            until(lambda: sink.bodies and "posts" in _sent(data), patience_s=60)
            until(lambda: "posts:pictures" in _sending(data), patience_s=20)
            before = _polls(log)
            until(lambda: _polls(log) > before + 2, patience_s=30)
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            assert time.monotonic() - begun < stopping.GRACE_S + 3
    assert _sent(data) == {"good", "posts"}
    dripped = {name.partition(".")[2] for name in DRIPPING}
    assert _sending(data) == {*dripped, "posts:pictures"}, "as perhaps arrived"
    assert "Traceback" not in log.read_text()


def _config(api: str, data: Path, good: str, posts: str) -> str:
    return f"""
        [[sources]]
        name = "acme"
        token = {{ env = "OP_EVENTS_TOKEN" }}
        base_url = "{api}"
        poll_every = "1s"
        [data]
        directory = {json.dumps(str(data))}
        [webhook.good]
        url = "{good}"
        secret = {{ env = "OP_EVENTS_TOKEN" }}
        [slack.posts]
        base_url = "{posts}"
        channel = "C2"
        token = {{ env = "OP_EVENTS_TOKEN" }}
        """


@contextmanager
def _service(config: Path, environ: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "detector", "run", "--config", str(config)]
    with log.open("ab") as out:
        process = subprocess.Popen(words, env=environ, cwd=ROOT, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _slack_whose_uploads_drip() -> Iterator[str]:
    """A Slack that takes messages at once, and drips its answer to everything else."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b'{"ok":true,"channel":"C2","ts":"17.5"}'
            if self.path.endswith("chat.postMessage"):
                self.send_response_only(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            with suppress(OSError):
                self.wfile.write(HEADERS)
                while not over.wait(0.05):
                    self.wfile.write(b"x")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/"
        finally:
            over.set()
            server.shutdown()
            thread.join()


def _polls(log: Path) -> int:
    return log.read_text().count('"polled"')


def _sent(data: Path) -> set[str]:
    return _destinations(data, "sent")


def _sending(data: Path) -> set[str]:
    return _destinations(data, "sending")


def _destinations(data: Path, state: str) -> set[str]:
    store = Sqlite(data, write=False)
    try:
        return {each.destination for each in store.outbox.listed(state)}
    finally:
        store.close()
