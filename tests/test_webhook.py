"""Webhooks: signed so that a stranger's library agrees, every failure told for what it is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from detector.alerts import Status
from detector.delivery.bulletins import Bulletin, Cause, DigestKind, Kind
from detector.delivery.incidents import incident_id
from detector.findings import Level
from detector.notifiers.webhook import PagerDuty, Signed, Webhook
from detector.ports import Attempt, DeliveryError
from detector.rendering import sample_lists
from detector.rendering.samples import impossible_travel, takeover
from tests.conftest_delivery import Answer
from tests.fakes import bulletin

NOW = datetime(2026, 3, 14, 10, 2, tzinfo=UTC)


@dataclass
class Receiver:
    """A web server that keeps what it got."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def last(self) -> Any:
        """The newest body as JSON."""
        return json.loads(self.bodies[-1])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on this machine."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            kept.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        kept.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield kept
        server.shutdown()
        thread.join()


def test_the_signature_covers_id_time_and_body(receiver: Receiver) -> None:
    webhook = Webhook(receiver.url, Signed("s3cret"), now=lambda: NOW)
    webhook.send(takeover(), Attempt("inc.1"))

    told = receiver.headers[0]
    signed = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + receiver.bodies[0]
    expected = base64.b64encode(hmac.new(b"s3cret", signed, hashlib.sha256).digest()).decode()
    assert told["webhook-signature"] == f"v1,{expected}"
    assert told["webhook-timestamp"] == str(int(NOW.timestamp()))
    body = receiver.last()
    assert (body["type"], body["cause"]) == ("incident.update", "another_alert")
    assert body["incident"]["alerts"][0]["summary"] == impossible_travel().summary
    assert body["history"][0]["who"] == "mark.olsen"


def test_a_repeat_has_the_same_id_and_another_message_has_not(receiver: Receiver) -> None:
    webhook = Webhook(receiver.url, Signed("s3cret"), now=lambda: NOW)
    for key in ("inc.1", "inc.1", "inc.2"):
        webhook.send(takeover(), Attempt(key, again=True))
    first, again, other = (told["webhook-id"] for told in receiver.headers)
    assert first == again != other


def test_digests_and_notices_are_sent_too(receiver: Receiver) -> None:
    webhook = Webhook(receiver.url, Signed("s3cret"), now=lambda: NOW)
    for message in sample_lists():
        webhook.send(message, Attempt(message.id))
    assert [json.loads(body)["type"] for body in receiver.bodies] == ["digest.daily", "notice"]


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (Status.OPEN, "trigger"),
        (Status.ACKNOWLEDGED, "acknowledge"),
        (Status.RESOLVED, "resolve"),
        (Status.FALSE_POSITIVE, "resolve"),
        (Status.EXPIRED, "resolve"),
    ],
)
def test_pagerduty_follows_the_incident(receiver: Receiver, status: Status, action: str) -> None:
    webhook = Webhook(receiver.url, PagerDuty("R0UTING"), now=lambda: NOW)
    alert = replace(impossible_travel(), status=status)
    told = bulletin(alert, kind=Kind.UPDATE, cause=Cause.STATE_CHANGED)
    webhook.send(told, Attempt("k"))
    event = receiver.last()
    assert (event["event_action"], event["routing_key"]) == (action, "R0UTING")
    assert event["dedup_key"] == incident_id(alert)
    assert event["payload"]["severity"] == "error"
    assert event["payload"]["summary"].startswith("High: Ana Diaz signed in from Lagos")


def test_pagerduty_wakes_nobody_for_a_digest_or_a_note(receiver: Receiver) -> None:
    webhook = Webhook(receiver.url, PagerDuty("R0UTING"), now=lambda: NOW)
    daily, notice = sample_lists()
    for message in (daily, notice, replace(takeover(), kind=Kind.NOTE)):
        webhook.send(message, Attempt("k"))
    assert receiver.bodies == []
    assert daily.level is Level.LOW
    webhook.send(replace(daily, kind=DigestKind.FLOOD), Attempt("k"))  # type: ignore[arg-type]
    assert receiver.last()["event_action"] == "trigger"


def test_hostile_words_stay_values(receiver: Receiver) -> None:
    words = 'x", "event_action": "resolve\r\n\u202e\u0000 <!channel> {{ 7*7 }}' + "y" * 9_000
    alert = replace(impossible_travel(), summary=words, account=words)
    for envelope in (PagerDuty("R"), Signed("s")):
        Webhook(receiver.url, envelope, now=lambda: NOW).send(bulletin(alert), Attempt(words))
    event, body = (json.loads(each) for each in receiver.bodies)
    assert event["event_action"] == "trigger"
    assert len(event["payload"]["summary"]) <= 1024
    assert event["payload"]["summary"].isprintable()
    assert body["incident"]["summary"] == words


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(429, {"Retry-After": "7"}, ""), {"retry_after_s": 7.0}),
        (Answer(429, {"Retry-After": "soon"}, ""), {"retry_after_s": 30.0}),
        (Answer(503, {}, ""), {"ambiguous": True}),
        (Answer(400, {}, ""), {"permanent": True}),
        (Answer(413, {}, ""), {"permanent": True}),
        (Answer(401, {}, ""), {"parked": True}),
        (Answer(404, {}, ""), {"parked": True}),
        (Answer(302, {"Location": "https://evil.example"}, ""), {"parked": True}),
    ],
)
def test_every_failure_is_told_for_what_it_is(
    answering: Callable[[Answer], str], answer: Answer, expected: dict[str, Any]
) -> None:
    error = failure(answering(answer), bulletin(impossible_travel()))
    seen = {"permanent": error.permanent, "parked": error.parked, "ambiguous": error.ambiguous}
    assert {name for name, is_so in seen.items() if is_so} == set(expected) - {"retry_after_s"}
    assert error.retry_after_s == expected.get("retry_after_s")


def test_nobody_there_is_not_ambiguous() -> None:
    error = failure("http://127.0.0.1:1/", bulletin(impossible_travel()))
    assert (error.permanent, error.parked, error.ambiguous) == (False, False, False)


@pytest.mark.parametrize("url", ["http://hooks.example/x", "ftp://127.0.0.1/", "", "hooks.example"])
def test_nothing_goes_in_the_open(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Webhook(url, Signed("s"), now=lambda: NOW)


def failure(url: str, message: Bulletin) -> DeliveryError:
    """How sending fails."""
    with pytest.raises(DeliveryError) as caught:
        Webhook(url, Signed("s"), now=lambda: NOW).send(message, Attempt("k"))
    return caught.value
