"""A send ends in time: a server that drips its answer holds its own destination, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest
from slack_sdk.webhook import WebhookClient

from detector.notifiers.deadline import MOST_STUCK, Deadline
from detector.notifiers.email import Email
from detector.notifiers.mail_server import MailServer
from detector.notifiers.slack import Slack
from detector.notifiers.slack_api import slack_client
from detector.notifiers.slack_hook import SlackHook
from detector.notifiers.webhook import Signed, Webhook
from detector.ports import Attempt, DeliveryError, Message, Notifier, Receipt
from detector.rendering import Renderer
from detector.rendering.samples import simple_match
from tests.conftest_delivery import api_of
from tests.dripping import HEADERS, dripping
from tests.fakes import bulletin
from tests.stories import at

MESSAGE = bulletin(simple_match())


MAKE: dict[str, tuple[bytes, Callable[[int, Renderer], Notifier]]] = {
    "slack": (
        HEADERS,
        lambda port, words: Slack(
            api_of(slack_client("xoxb-1", base_url=f"http://127.0.0.1:{port}/api/")), words, "C1"
        ),
    ),
    "hook": (HEADERS, lambda port, words: SlackHook(_hook(port), words)),
    "webhook": (
        HEADERS,
        lambda port, _words: Webhook(
            f"http://127.0.0.1:{port}/", Signed("s"), now=lambda: at("12:00")
        ),
    ),
    "mail": (
        b"220 ",
        lambda port, words: Email(
            MailServer("127.0.0.1", port, tls="none"), words, to=("soc@example.com",)
        ),
    ),
}


def _hook(port: int) -> WebhookClient:
    made = WebhookClient(f"http://127.0.0.1:{port}/", timeout=5, retry_handlers=[])
    made.proxy = None
    return made


@pytest.mark.parametrize("name", MAKE)
def test_a_dripping_server_is_given_up_as_perhaps_arrived(renderer: Renderer, name: str) -> None:
    answer, make = MAKE[name]
    with dripping(answer) as port:
        slow = Deadline(make(port, renderer), longest_s=0.4)
        began = time.monotonic()
        with pytest.raises(DeliveryError, match="no answer within") as caught:
            slow.send(MESSAGE, Attempt("k"))
        assert caught.value.ambiguous
        assert time.monotonic() - began < 3


@dataclass
class Hangs:
    """A destination that answers when it is told to."""

    name: str = "hangs"
    edits: bool = True
    go: Event = field(default_factory=Event)

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Wait."""
        self.go.wait()
        return Receipt(attempt.key)


def test_few_sends_hang_at_once_and_then_none_is_begun() -> None:
    inner = Hangs()
    slow = Deadline(inner, longest_s=0.02)
    for _ in range(MOST_STUCK):
        with pytest.raises(DeliveryError) as caught:
            slow.send(MESSAGE, Attempt("k"))
        assert caught.value.ambiguous
    with pytest.raises(DeliveryError, match="still hang") as refused:
        slow.send(MESSAGE, Attempt("k"))
    assert not refused.value.ambiguous, "nothing was sent"

    inner.go.set()
    patient = Deadline(inner)
    assert patient.send(MESSAGE, Attempt("k")) == Receipt("k")


def test_what_the_destination_says_is_handed_on() -> None:
    class Refuses(Hangs):
        def send(self, message: Message, *_: Any) -> Receipt:
            raise DeliveryError("no", permanent=True, retry_after_s=3)

    limited = Deadline(Refuses())
    assert (limited.name, limited.edits) == ("hangs", True)
    with pytest.raises(DeliveryError) as caught:
        limited.send(MESSAGE, Attempt("k"))
    assert (caught.value.permanent, caught.value.retry_after_s) == (True, 3)
