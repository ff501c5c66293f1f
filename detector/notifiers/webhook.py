"""Webhooks: every message as JSON to an address of the operator's, signed or as PagerDuty wants it.

Signed as standardwebhooks.com describes, so that receivers find libraries to verify with:
`webhook-id`, `webhook-timestamp` and `webhook-signature: v1,BASE64` where the signature is the
HMAC-SHA256 of "ID.TIMESTAMP.BODY" under the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx

from detector.notifiers.loopback import is_loopback
from detector.notifiers.webhook_bodies import message_body, pagerduty_event
from detector.ports import Attempt, DeliveryError, Message, Receipt

TIMEOUT_S: Final = 10.0
LONGEST_WAIT_S: Final = 3_600.0
_CONTENT: Final = frozenset({400, 413, 414, 415, 422})


class Envelope(Protocol):
    """How a message becomes a request."""

    def seal(
        self, message: Message, key: str, now: datetime
    ) -> tuple[bytes, dict[str, str]] | None:
        """The body and its headers; null for what is not sent there."""
        ...


class Signed:
    """Our own JSON, with a signature over id, time and body."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def seal(self, message: Message, key: str, now: datetime) -> tuple[bytes, dict[str, str]]:
        """Sign the message; `key` is its id, by which a receiver knows a repeat."""
        body = json.dumps(message_body(message, key), ensure_ascii=True).encode()
        stamp = str(int(now.timestamp()))
        identity = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        content = b".".join((identity.encode(), stamp.encode(), body))
        made = base64.b64encode(hmac.new(self._secret, content, hashlib.sha256).digest()).decode()
        return body, {
            "webhook-id": identity,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{made}",
        }


class PagerDuty:
    """PagerDuty's Events API v2: one PagerDuty incident for each of ours, resolved when it closes."""

    def __init__(self, routing_key: str) -> None:
        self._routing_key = routing_key

    def seal(
        self,
        message: Message,
        key: str,  # noqa: ARG002 - PagerDuty knows a repeat by its dedup_key
        now: datetime,  # noqa: ARG002
    ) -> tuple[bytes, dict[str, str]] | None:
        """The event; nothing for daily digests and notes, which nobody is to be woken for."""
        event = pagerduty_event(message)
        if event is None:
            return None
        return json.dumps({"routing_key": self._routing_key, **event}).encode(), {}


class Webhook:
    """One address. Raises ValueError for one that is not https, except on this machine."""

    edits = True

    def __init__(
        self,
        url: str,
        envelope: Envelope,
        *,
        now: Callable[[], datetime],
        name: str = "webhook",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        asked = urlsplit(url)
        if asked.scheme != "https" and not (
            asked.scheme == "http" and is_loopback(asked.hostname or "")
        ):
            raise ValueError(f"{url}: webhooks go over https; plain http only to this machine")
        self.name = name
        self._url = url
        self._envelope = envelope
        self._now = now
        self._timeout_s = timeout_s

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Post it. A repeat has the same id, by which the receiver knows it."""
        sealed = self._envelope.seal(message, attempt.key, self._now())
        if sealed is None:
            return Receipt(attempt.key)
        body, headers = sealed
        headers["content-type"] = "application/json"
        try:
            answer = httpx.post(self._url, content=body, headers=headers, timeout=self._timeout_s)
        except httpx.ConnectError as error:
            raise DeliveryError(f"webhook: not reached: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            problem = f"webhook: no answer: {type(error).__name__}"
            raise DeliveryError(problem, ambiguous=True) from error
        if not answer.is_success:
            raise _refused(answer)
        return Receipt(attempt.key)


def _refused(answer: httpx.Response) -> DeliveryError:
    """What a refusal means: later, perhaps arrived, never like this, or not set up."""
    said, status = f"webhook: HTTP {answer.status_code}", answer.status_code
    if status == 429:
        return DeliveryError(said, retry_after_s=_wait_s(answer))
    if status >= 500 or status == 408:
        return DeliveryError(said, ambiguous=True)
    if status in _CONTENT:
        return DeliveryError(said, permanent=True)
    return DeliveryError(said, parked=True)


def _wait_s(answer: httpx.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT_S) if asked.isdecimal() else 30.0
