"""The incoming webhook: a message is posted, and every refusal told for what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.notifiers.slack_hook import SlackHook
from detector.notifiers.slack_http import HookClient
from detector.ports import Attempt, DeliveryError
from detector.rendering import Renderer, overlay, sample_messages
from detector.rendering.samples import simple_match
from detector.settings import ConfigError, load
from tests.conftest_delivery import Answer
from tests.fakes import bulletin
from tests.web_sink import WebSink, serving


def test_what_slack_takes_is_sent(answering: Callable[[Answer], str], renderer: Renderer) -> None:
    told: list[str] = []
    hook = SlackHook(client(answering(Answer(200, {}, "ok"))), renderer, notice=told.append)
    assert hook.send(bulletin(simple_match()), Attempt("k")).message_id == "k"
    assert told == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(429, {"Retry-After": "7"}, "rate_limited"), {"retry_after_s": 7.0}),
        (Answer(503, {}, "<html>"), {"ambiguous": True}),
        (Answer(404, {}, "no_service"), {"parked": True}),
        (Answer(410, {}, "channel_is_archived"), {"parked": True}),
        (Answer(403, {}, "action_prohibited"), {"parked": True}),
        (Answer(400, {}, "invalid_blocks"), {"permanent": True}),
    ],
)
def test_every_refusal_is_told_for_what_it_is(
    answering: Callable[[Answer], str], renderer: Renderer, answer: Answer, expected: dict[str, Any]
) -> None:
    with pytest.raises(DeliveryError) as caught:
        SlackHook(client(answering(answer)), renderer).send(bulletin(simple_match()), Attempt("k"))
    error = caught.value
    seen = {"permanent": error.permanent, "parked": error.parked, "ambiguous": error.ambiguous}
    assert {name for name, is_so in seen.items() if is_so} == set(expected) - {"retry_after_s"}
    assert error.retry_after_s == expected.get("retry_after_s")


@pytest.mark.parametrize("name", sample_messages())
def test_what_is_posted_is_the_message_as_json_and_nothing_else(
    renderer: Renderer, name: str
) -> None:
    message = sample_messages()[name]
    with serving(WebSink(body="ok")) as sink:
        SlackHook(client(sink.url), renderer).send(message, Attempt("k"))
    [posted] = sink.bodies
    shown = renderer.slack(message)
    assert (posted["text"], posted["blocks"]) == (shown.text, shown.blocks)
    assert (posted["unfurl_links"], posted["unfurl_media"]) == (False, False)
    assert not [block for block in posted["blocks"] if block["type"] == "actions"]


def test_a_refused_layout_is_posted_as_plain_words_next(renderer: Renderer) -> None:
    alert = replace(simple_match(), summary="<!channel> look")
    with serving(WebSink(400, "invalid_blocks")) as sink, pytest.raises(DeliveryError):
        SlackHook(client(sink.url), renderer).send(bulletin(alert), Attempt("k"))
    first, second = sink.bodies
    assert first["blocks"]
    assert "blocks" not in second
    assert "<!channel>" not in second["text"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_no_delivery_and_is_not_followed(renderer: Renderer, status: int) -> None:
    with serving(WebSink(200, "ok")) as page:
        sends = WebSink(status, headers={"Location": page.url})
        with serving(sends) as sink, pytest.raises(DeliveryError) as caught:
            SlackHook(client(sink.url), renderer).send(bulletin(simple_match()), Attempt("k"))
    assert caught.value.parked
    assert page.heads == [], "nothing of the message goes elsewhere"


def test_nobody_there_is_not_ambiguous_and_the_url_is_never_told(renderer: Renderer) -> None:
    hook = SlackHook(client("http://127.0.0.1:1/services/T/B/s3cret"), renderer)
    with pytest.raises(DeliveryError) as caught:
        hook.send(bulletin(simple_match()), Attempt("k"))
    assert not caught.value.ambiguous
    assert "s3cret" not in str(caught.value)


def test_a_broken_template_does_not_hold_an_alert_back(
    answering: Callable[[Answer], str], templates: dict[str, str]
) -> None:
    told: list[str] = []
    layout = "text: x\nblocks:\n  - text: '{{ nobody }}'\n"
    broken = Renderer(overlay(templates, {"slack.yaml": layout}))
    hook = SlackHook(client(answering(Answer(200, {}, "ok"))), broken, notice=told.append)
    hook.send(bulletin(simple_match()), Attempt("k"))
    assert told == ["slack: sent as plain text: slack.yaml:3: 'nobody' is undefined"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('token = {env = "T"}', "name either a channel"),
        ('channel = "#a"\nwebhook = {env = "W"}', "name either a channel"),
        ('webhook = {env = "W"}\ntoken = {env = "T"}', "stands alone"),
        ('channel = "#a"\napp_token = {env = "A"}', "people: is missing"),
    ],
)
def test_a_destination_is_one_thing(tmp_path: Path, table: str, said: str) -> None:
    file = tmp_path / "vaultwatch.toml"
    file.write_text(f"[slack.one]\n{table}\n")
    with pytest.raises(ConfigError, match=said):
        load(file, {})


def client(url: str) -> HookClient:
    """A client as the service makes it."""
    made = HookClient(url, timeout=5, retry_handlers=[])
    made.proxy = None
    return made
