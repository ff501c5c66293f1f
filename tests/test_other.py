"""Other channels by Apprise: text only, to a real server, and nothing of an event comes alive there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import destinations
from detector.notifiers.other import MOST_TEXT, Other, harmless
from detector.ports import Attempt, DeliveryError
from detector.rendering import Renderer, overlay, sample_messages
from detector.rendering.samples import impossible_travel, simple_match
from detector.settings import ConfigError, OtherConfig, Settings
from tests.fakes import bulletin
from tests.stories import at
from tests.web_sink import WebSink, serving


@pytest.fixture
def sink() -> Iterator[WebSink]:
    """One that takes all."""
    with serving(WebSink()) as made:
        yield made


def url(sink: WebSink) -> str:
    """The sink as Apprise writes it: JSON by POST."""
    return f"json://127.0.0.1:{sink.port}/"


@pytest.mark.parametrize("name", sample_messages())
def test_every_message_arrives_as_text(sink: WebSink, renderer: Renderer, name: str) -> None:
    message = sample_messages()[name]
    Other(url(sink), renderer).send(message, Attempt("k"))
    [body] = sink.bodies
    mail = renderer.email(message)
    assert body["title"] == harmless(mail.subject)
    assert body["message"].strip() == harmless(mail.text).strip()


def test_what_an_event_says_comes_alive_nowhere(sink: WebSink, renderer: Renderer) -> None:
    said = "<!channel> @everyone [click](https://evil.example) `x` **b** <@U1>"
    alert = replace(impossible_travel(), summary=said)
    Other(url(sink), renderer).send(bulletin(alert), Attempt("k"))
    words = " ".join(str(sink.bodies[0][part]) for part in ("title", "message"))
    for alive in ("<", "@everyone", "](", "https://evil", "`", "**"):
        assert alive not in words


@given(st.text())
def test_nothing_is_markup_and_nothing_is_too_long(text: str) -> None:
    assert not set(harmless(text)) & set("<>[]*`~")
    assert len(harmless(text)) <= MOST_TEXT


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_refusal_is_tried_again(sink: WebSink, renderer: Renderer, status: int) -> None:
    sink.status = status
    with pytest.raises(DeliveryError) as caught:
        Other(url(sink), renderer).send(bulletin(simple_match()), Attempt("k"))
    assert (caught.value.ambiguous, caught.value.permanent) == (True, False)
    assert str(sink.port) not in str(caught.value), "the URL is the secret"


def test_a_broken_template_does_not_hold_an_alert_back(
    sink: WebSink, templates: dict[str, str]
) -> None:
    told: list[str] = []
    broken = Renderer(overlay(templates, {"email.txt.j2": "{{ nobody }}"}))
    Other(url(sink), broken, notice=told.append).send(bulletin(simple_match()), Attempt("k"))
    assert simple_match().summary in sink.bodies[0]["title"]
    assert "email.txt.j2:1" in told[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("slack://a/b/c", r"better served by \[slack\]"), ("nonsense", "no URL that Apprise knows")],
)
def test_a_url_that_cannot_be_used_is_said(renderer: Renderer, wrong: str, said: str) -> None:
    settings = Settings(other={"ntfy": OtherConfig.model_validate({"url": {"env": "U"}})})
    with pytest.raises(ConfigError, match=rf"ntfy\.url: .*{said}") as caught:
        destinations.notifiers(settings, renderer, {"U": wrong}, lambda: at("12:00"))
    assert "a/b/c" not in str(caught.value)


def test_without_apprise_the_fix_is_said(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ValueError, match=r"pip install 'vaultwatch\[apprise\]'"):
        Other("json://127.0.0.1/", renderer)
