"""Slack: sent once, and every failure told for what it is."""

from __future__ import annotations

import dataclasses
import json
import signal
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from detector.alerts import Alert
from detector.delivery.bulletins import Bulletin, Cause, Digest, Kind, Notice
from detector.notifiers.slack import Slack
from detector.notifiers.slack_api import slack_client
from detector.notifiers.slack_errors import wait_s
from detector.notifiers.slack_pictures import SlackPictures
from detector.notifiers.slack_places import Place
from detector.ports import Attempt, DeliveryError, Notifier, Receipt
from detector.rendering import Renderer, overlay, sample_lists
from detector.rendering.samples import impossible_travel, simple_match
from tests.conftest_delivery import TOKEN, Answer, SlackServer, api_of
from tests.fakes import bulletin
from tests.web_sink import WebSink, serving

DATE = "Mon, 23 Nov 2026 10:00:00 GMT"


@pytest.fixture
def slack(slack_server: SlackServer, slack_channel: str, renderer: Renderer) -> Slack:
    """The notifier, pointed at a fresh channel."""
    return Slack(api_of(slack_server.client()), renderer, slack_channel)


def test_an_alert_is_posted_with_blocks_and_its_key(
    slack_server: SlackServer, slack_channel: str, slack: Notifier, renderer: Renderer
) -> None:
    receipt = slack.send(bulletin(impossible_travel()), Attempt("alert.1"))

    [message] = slack_server.messages(slack_channel)
    wanted = renderer.slack(bulletin(impossible_travel()))
    assert message["ts"] == Place.of(receipt).ts
    assert message["text"] == wanted.text
    assert message["blocks"] == wanted.blocks
    assert message["metadata"]["event_payload"]["idem"] == "alert.1"


def test_an_alert_that_arrived_is_found_and_not_sent_twice(
    slack_server: SlackServer, slack_channel: str, slack: Slack
) -> None:
    first = slack.send(bulletin(simple_match()), Attempt("alert.1"))
    slack.send(bulletin(simple_match()), Attempt("alert.2"))

    assert slack.send(bulletin(simple_match()), Attempt("alert.1", again=True)) == first
    assert len(slack_server.messages(slack_channel)) == 2


def test_an_alert_that_did_not_arrive_is_sent_when_asked_again(
    slack_server: SlackServer, slack_channel: str, slack: Slack
) -> None:
    slack.send(bulletin(simple_match()), Attempt("alert.9", again=True))
    assert len(slack_server.messages(slack_channel)) == 1


def test_an_incident_is_edited_in_place_and_replied_to_in_its_thread(
    slack_server: SlackServer, slack_channel: str, slack: Slack
) -> None:
    head = slack.send(bulletin(simple_match()), Attempt("inc.1"))
    told = bulletin(simple_match(), impossible_travel(), head=head)
    edited = slack.send(dataclasses.replace(told, kind=Kind.UPDATE), Attempt("inc.2"))
    note = dataclasses.replace(told, kind=Kind.NOTE, changes=("Ana looks at it.",))
    slack.send(note, Attempt("inc.3"))
    alarm = dataclasses.replace(told, kind=Kind.ALARM, cause=Cause.ANOTHER_ALERT)
    slack.send(alarm, Attempt("inc.4"))

    assert edited == head
    first, *replies = slack_server.thread(slack_channel, Place.of(head).ts)
    assert "Impossible travel" in first["blocks"][0]["text"]["text"]
    note_text, alarm_text = (reply["text"] for reply in replies)
    assert note_text.endswith("Ana looks at it.")
    assert "Another alert" in alarm_text


def test_a_reply_that_arrived_is_found_in_the_thread_and_not_sent_twice(
    slack_server: SlackServer, slack_channel: str, slack: Slack
) -> None:
    head = slack.send(bulletin(simple_match()), Attempt("inc.1"))
    note = bulletin(simple_match(), kind=Kind.NOTE, head=head, changes=("Ana looks at it.",))
    first = slack.send(note, Attempt("inc.2"))

    assert slack.send(note, Attempt("inc.2", again=True)) == first
    assert len(slack_server.thread(slack_channel, Place.of(head).ts)) == 2


def test_an_incident_whose_message_is_gone_is_told_anew(
    slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    told: list[str] = []
    slack = Slack(api_of(slack_server.client()), renderer, slack_channel, notice=told.append)
    gone = Place(slack_channel, "1700000000.000001").receipt
    update = bulletin(simple_match(), kind=Kind.UPDATE, head=gone)

    anew = slack.send(update, Attempt("inc.2"))
    [message] = slack_server.messages(slack_channel)
    assert message["ts"] == Place.of(anew).ts
    assert "message_not_found" in told[0]


@pytest.mark.parametrize("message", sample_lists(), ids=lambda each: each.id)
def test_a_digest_and_a_notice_are_posted(
    slack_server: SlackServer, slack_channel: str, slack: Slack, message: Digest | Notice
) -> None:
    slack.send(message, Attempt(message.id))
    [posted] = slack_server.messages(slack_channel)
    assert posted["blocks"][0]["text"]["text"].endswith(message.title)


def test_the_picture_comes_into_the_thread_and_only_there(
    slack_server: SlackServer, slack_channel: str, slack: Slack
) -> None:
    head = slack.send(bulletin(impossible_travel()), Attempt("inc.1"))
    pictures = SlackPictures(api_of(slack_server.client()))
    for again in (True, True, False):  # it is looked for first, and found the second time
        pictures.send(pictured(head), Attempt("inc.1", again=again))

    _, *replies = slack_server.thread(slack_channel, Place.of(head).ts)
    files = [reply["files"][0] for reply in replies]
    assert [(each["name"], each["mimetype"]) for each in files] == [
        ("journey-inc.1.png", "image/png")
    ] * 2
    assert len([m for m in slack_server.messages(slack_channel) if not m.get("thread_ts")]) <= 1


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (Answer(200, {}, '{"ok":false,"error":"missing_scope"}'), False),
        (Answer(200, {}, '{"ok":false,"error":"channel_not_found"}'), False),
        (Answer(503, {}, "<html>down</html>"), True),
        (Answer(429, {"Retry-After": "7"}, "{}"), True),
    ],
)
def test_a_picture_is_tried_again_or_left_out(
    answering: Callable[[Answer], str], answer: Answer, raised: bool
) -> None:
    told: list[str] = []
    client = slack_client("xoxb-secret", base_url=answering(answer))
    pictures = SlackPictures(api_of(client), notice=told.append)
    with pytest.raises(DeliveryError) if raised else nullcontext():
        pictures.send(pictured(Receipt("C1:17.5")), Attempt("k"))
    assert bool(told) is not raised


def test_what_is_no_picture_is_nothing_to_it(answering: Callable[[Answer], str]) -> None:
    down = slack_client("xoxb-secret", base_url="http://127.0.0.1:1/api/")
    pictures = SlackPictures(api_of(down))
    for message in (
        *sample_lists(),
        bulletin(impossible_travel()),
        pictured(Receipt("C1:1"), simple_match()),
    ):
        assert pictures.send(message, Attempt("k")) == Receipt("k")


def test_a_lost_answer_is_looked_up_and_nothing_is_sent_twice(
    slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    slack = Slack(api_of(slack_server.client(timeout_s=1)), renderer, slack_channel)
    slack_server.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(DeliveryError) as lost:
            slack.send(bulletin(simple_match()), Attempt("alert.1"))
    finally:
        slack_server.process.send_signal(signal.SIGCONT)

    assert lost.value.ambiguous
    found = slack.send(bulletin(simple_match()), Attempt("alert.1", again=True))
    [message] = slack_server.messages(slack_channel)
    assert message["ts"] == Place.of(found).ts


def test_a_channel_given_by_name_is_found_for_the_look_up(
    slack_server: SlackServer, renderer: Renderer
) -> None:
    client = slack_server.client()
    made = client.conversations_create(name="named-channel")["channel"]
    posted = Slack(api_of(client), renderer, made["id"]).send(
        bulletin(simple_match()), Attempt("k")
    )

    found = Slack(api_of(client), renderer, "#named-channel").send(
        bulletin(simple_match()), Attempt("k", again=True)
    )
    assert found == posted


def test_a_channel_that_is_not_there_parks_the_destination(
    slack_server: SlackServer, renderer: Renderer
) -> None:
    error = failure(slack_server.client(), renderer, channel="C404")
    assert str(error) == "Slack: channel_not_found"
    assert error.parked
    assert not error.permanent


def test_an_archived_channel_parks_the_destination(
    slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    slack_server.client().conversations_archive(channel=slack_channel)
    assert failure(slack_server.client(), renderer, channel=slack_channel).parked


def test_a_refused_layout_is_sent_as_plain_text_and_told(
    slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    told: list[str] = []
    client = RefusesBlocks(token=TOKEN, base_url=slack_server.base_url, retry_handlers=[])
    alert = dataclasses.replace(
        simple_match(), summary="<!channel> look at <https://evil.example|this>"
    )
    Slack(api_of(client), renderer, slack_channel, notice=told.append).send(
        bulletin(alert), Attempt("k")
    )

    [message] = slack_server.messages(slack_channel)
    assert not message.get("blocks")
    assert message["text"].startswith("Low: \u2039!channel&gt; look at \u2039hxxps://evil.example")
    assert told == ["slack: sent as plain text: Slack: invalid_blocks"]


def test_a_broken_template_does_not_hold_an_alert_back(
    slack_server: SlackServer, slack_channel: str, templates: dict[str, str]
) -> None:
    told: list[str] = []
    broken = Renderer(
        overlay(templates, {"slack.yaml": "text: x\nblocks:\n  - text: '{{ nobody }}'\n"})
    )
    Slack(api_of(slack_server.client()), broken, slack_channel, notice=told.append).send(
        bulletin(simple_match()), Attempt("k")
    )

    [message] = slack_server.messages(slack_channel)
    assert simple_match().summary in message["text"]
    assert told == ["slack: sent as plain text: slack.yaml:3: 'nobody' is undefined"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(429, {"Retry-After": "7"}, "{}"), {"retry_after_s": 7.0}),
        (
            Answer(429, {"Retry-After": "Mon, 23 Nov 2026 10:00:42 GMT", "Date": DATE}, "{}"),
            {"retry_after_s": 42.0},
        ),
        (Answer(429, {}, "<html>"), {"retry_after_s": 30.0}),
        (
            Answer(200, {"Retry-After": "3"}, '{"ok":false,"error":"rate_limited"}'),
            {"retry_after_s": 3.0},
        ),
        (Answer(503, {}, "<html>down</html>"), {"ambiguous": True}),
        (Answer(502, {}, '{"ok":false,"error":"invalid_auth"}'), {"ambiguous": True}),
        (Answer(200, {}, ""), {"ambiguous": True}),
        (Answer(200, {}, "<html>a proxy</html>"), {"ambiguous": True}),
        (Answer(200, {}, "[1, 2]"), {"ambiguous": True}),
        (Answer(404, {}, "<html>nothing</html>"), {"parked": True}),
        (Answer(200, {}, '{"ok":false,"error":"fatal_error"}'), {"ambiguous": True}),
        (Answer(200, {}, '{"ok":false,"error":"token_revoked"}'), {"parked": True}),
        (
            Answer(200, {}, '{"ok":false,"error":"restricted_action_read_only_channel"}'),
            {"parked": True},
        ),
        (Answer(200, {}, '{"ok":false,"error":"msg_blocks_too_long"}'), {"permanent": True}),
        (Answer(200, {}, '{"ok":false,"error":"something_new"}'), {}),
    ],
)
def test_every_failure_is_told_for_what_it_is(
    answering: Callable[[Answer], str], renderer: Renderer, answer: Answer, expected: dict[str, Any]
) -> None:
    error = failure(slack_client("xoxb-secret", base_url=answering(answer)), renderer)
    seen = {"permanent": error.permanent, "parked": error.parked, "ambiguous": error.ambiguous}
    assert {name for name, is_so in seen.items() if is_so} == set(expected) - {"retry_after_s"}
    assert error.retry_after_s == expected.get("retry_after_s")


def test_nobody_there_is_not_ambiguous(renderer: Renderer) -> None:
    error = failure(slack_client("xoxb-secret", base_url="http://127.0.0.1:1/api/"), renderer)
    assert (error.ambiguous, error.parked, error.permanent) == (False, False, False)


def test_an_error_never_holds_the_token(
    answering: Callable[[Answer], str], renderer: Renderer
) -> None:
    body = json.dumps({"ok": False, "error": "invalid_auth", "detail": "xoxb-secret"})
    error: BaseException | None = failure(
        slack_client("xoxb-secret", base_url=answering(Answer(200, {}, body))), renderer
    )
    while error is not None:
        assert not isinstance(error, SlackApiError)
        assert "xoxb-secret" not in repr(error)
        error = error.__cause__ or error.__context__


def test_a_token_is_never_sent_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="without TLS"):
        slack_client("xoxb-secret", base_url="http://slack.example/api/")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert slack_client("xoxb-secret").proxy == "http://proxy.example:3128"
    assert slack_client("xoxb-secret", base_url="http://127.0.0.1:9090/api").proxy is None


@pytest.mark.parametrize("asked", ["99999999999", "9" * 30, "Mon, 23 Nov 2099 10:00:00 GMT"])
def test_nobody_is_waited_for_longer_than_an_hour(asked: str) -> None:
    assert wait_s({"retry-after": asked, "date": DATE}) == 3600.0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_token_stays_here(
    renderer: Renderer, status: int
) -> None:
    taken = '{"ok":true,"channel":"C1","ts":"17.5"}'
    with serving(WebSink(200, taken)) as other:
        with serving(WebSink(status, headers={"Location": other.url})) as sink:
            error = failure(slack_client("xoxb-s3cret", base_url=sink.url), renderer)
        assert other.heads == []
    assert "xoxb-s3cret" in sink.heads[0]["Authorization"]
    assert error.parked
    assert "s3cret" not in str(error)


@pytest.mark.parametrize("said", ['{"ok":true}', '{"ok":true,"channel":"C1","ts":null}'])
def test_a_post_without_its_time_is_looked_for(
    answering: Callable[[Answer], str], renderer: Renderer, said: str
) -> None:
    base_url = answering(Answer(200, {"Content-Type": "application/json"}, said))
    assert failure(slack_client(TOKEN, base_url=base_url), renderer).ambiguous


def test_a_date_without_a_clock_waits_the_usual_time() -> None:
    assert wait_s({"retry-after": "Mon, 23 Nov 2026 10:00:42 GMT"}) == 30.0
    assert wait_s({"retry-after": "soon", "date": DATE}) == 30.0


def pictured(head: Receipt, alert: Alert | None = None) -> Bulletin:
    """The picture of an alert, to be posted under a message."""
    return bulletin(alert or impossible_travel(), kind=Kind.PICTURE, head=head)


class RefusesBlocks(WebClient):
    """A Slack that does not take blocks; the emulator takes any."""

    def chat_postMessage(self, **arguments: Any) -> Any:
        """Refuse blocks as Slack does."""
        if arguments.get("blocks"):
            arguments["blocks"] = "not a list"
        return super().chat_postMessage(**arguments)


def failure(client: WebClient, renderer: Renderer, *, channel: str = "C1") -> DeliveryError:
    """How sending an alert fails."""
    with pytest.raises(DeliveryError) as caught:
        Slack(api_of(client), renderer, channel).send(bulletin(simple_match()), Attempt("k"))
    return caught.value
