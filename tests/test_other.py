"""Other channels by Apprise: text only, to a real server, and nothing of an event comes alive there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import destinations
from detector.notifiers.other import MOST_TEXT, Other, harmless
from detector.ports import DeliveryError
from detector.rendering import Renderer, overlay, sample_messages
from detector.rendering.samples import impossible_travel, simple_match
from detector.settings import ConfigError, OtherConfig, Settings
from tests.fakes import bulletin
from tests.stories import at


@dataclass
class Sink:
    """A web server that keeps what it is sent and answers with a status."""

    status: int = 200
    port: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """As Apprise writes it: JSON by POST."""
        return f"json://127.0.0.1:{self.port}/"


@pytest.fixture
def sink() -> Iterator[Sink]:
    """One that takes all."""
    with serving(Sink()) as made:
        yield made


@contextmanager
def serving(sink: Sink) -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(sink.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

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


@pytest.mark.parametrize("name", sample_messages())
def test_every_message_arrives_as_text(sink: Sink, renderer: Renderer, name: str) -> None:
    message = sample_messages()[name]
    Other(sink.url, renderer).send(message, key="k", again=False)
    [body] = sink.bodies
    mail = renderer.email(message)
    assert body["title"] == harmless(mail.subject)
    assert body["message"].strip() == harmless(mail.text).strip()


def test_what_an_event_says_comes_alive_nowhere(sink: Sink, renderer: Renderer) -> None:
    said = "<!channel> @everyone [click](https://evil.example) `x` **b** <@U1>"
    alert = replace(impossible_travel(), summary=said)
    Other(sink.url, renderer).send(bulletin(alert), key="k", again=False)
    words = " ".join(str(sink.bodies[0][part]) for part in ("title", "message"))
    for alive in ("<", "@everyone", "](", "https://evil", "`", "**"):
        assert alive not in words


@given(st.text())
def test_nothing_is_markup_and_nothing_is_too_long(text: str) -> None:
    assert not set(harmless(text)) & set("<>[]*`~")
    assert len(harmless(text)) <= MOST_TEXT


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_refusal_is_tried_again(sink: Sink, renderer: Renderer, status: int) -> None:
    sink.status = status
    with pytest.raises(DeliveryError) as caught:
        Other(sink.url, renderer).send(bulletin(simple_match()), key="k", again=False)
    assert (caught.value.ambiguous, caught.value.permanent) == (True, False)
    assert str(sink.port) not in str(caught.value), "the URL is the secret"


def test_a_broken_template_does_not_hold_an_alert_back(
    sink: Sink, templates: dict[str, str]
) -> None:
    told: list[str] = []
    broken = Renderer(overlay(templates, {"email.txt.j2": "{{ nobody }}"}))
    Other(sink.url, broken, notice=told.append).send(bulletin(simple_match()), key="k", again=False)
    assert simple_match().summary in sink.bodies[0]["title"]
    assert "email.txt.j2:1" in told[0]


@pytest.mark.parametrize(
    ("url", "said"),
    [("slack://a/b/c", r"better served by \[slack\]"), ("nonsense", "no URL that Apprise knows")],
)
def test_a_url_that_cannot_be_used_is_said(renderer: Renderer, url: str, said: str) -> None:
    settings = Settings(other={"ntfy": OtherConfig.model_validate({"url": {"env": "U"}})})
    with pytest.raises(ConfigError, match=rf"ntfy\.url: .*{said}") as caught:
        destinations.notifiers(settings, renderer, {"U": url}, lambda: at("12:00"))
    assert "a/b/c" not in str(caught.value)


def test_without_apprise_the_fix_is_said(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ValueError, match=r"pip install 'vaultwatch\[apprise\]'"):
        Other("json://127.0.0.1/", renderer)
