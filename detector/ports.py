"""The three seams to the outside: where events come from, where they stay, where alerts go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from detector.delivery.bulletins import Message, Receipt


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a source: its raw items, and the cursor to go on from.

    `stalled`: there should be more, but to go on at once would be to go round in circles.
    """

    feed: str
    items: tuple[bytes, ...]
    cursor: str
    has_more: bool
    stalled: bool = False


class SourceError(Exception):
    """A page could not be had. `permanent` means that trying again will not help.

    `slow`: all the time that there is was spent on it; the other feeds have waited meanwhile.
    """

    def __init__(
        self,
        text: str,
        *,
        permanent: bool,
        retry_after_s: float | None = None,
        slow: bool = False,
    ) -> None:
        super().__init__(text)
        self.slow = slow
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class CursorRefused(SourceError):
    """The API did not accept the stored cursor (400): start again with an overlap."""


class Source(Protocol):
    """A place that events are fetched from."""

    name: str
    feeds: tuple[str, ...]

    def fetch(self, feed: str, cursor: str | None, since: datetime) -> Page:
        """The page after `cursor`, or from `since` without one. Raises SourceError."""
        ...


class DeliveryError(Exception):
    """A message was not delivered.

    `permanent`: this message will never be taken as it is. `parked`: nothing can be sent to
    this destination until its configuration changes. `ambiguous`: it may have arrived.
    `served`: the recipients who have it all the same; only the others are still to get it.
    """

    def __init__(  # noqa: PLR0913 - what a failure may be, by name
        self,
        text: str,
        *,
        permanent: bool = False,
        parked: bool = False,
        ambiguous: bool = False,
        retry_after_s: float | None = None,
        served: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.parked = parked
        self.ambiguous = ambiguous
        self.retry_after_s = retry_after_s
        self.served = served


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a message, whose idempotency key is the same at every try.

    `again`: an earlier try may have arrived. `served`: those of several recipients who have the
    message.
    """

    key: str
    again: bool = False
    served: frozenset[str] = frozenset()


class Notifier(Protocol):
    """A destination for messages.

    `edits` says whether a message there can be changed afterwards and replied to; elsewhere
    only what people should notice is sent.
    """

    name: str
    edits: bool

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Deliver once under the key of the attempt. Raises DeliveryError."""
        ...


__all__ = [
    "Attempt", "CursorRefused", "DeliveryError", "Message", "Notifier", "Page", "Receipt",
    "Source", "SourceError",
]  # fmt: skip
