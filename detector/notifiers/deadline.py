"""A limit on the whole of a send: a server that drips its answer holds nobody for ever."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread
from typing import Final

from detector.ports import Attempt, DeliveryError, Message, Notifier, Receipt

LONGEST_S: Final = 60.0
"""Shorter than a lease of the outbox; every socket has a shorter limit of its own."""
MOST_STUCK: Final = 3
"""So many sends may hang at once before no further one is begun."""


class Deadline:
    """A destination whose sends end in time, or are given up as perhaps arrived.

    A send that is given up goes on in a thread that dies with the process: no library can
    break off a read that still gets a byte now and then.
    """

    def __init__(self, inner: Notifier, *, longest_s: float = LONGEST_S) -> None:
        self.name, self.edits = inner.name, inner.edits
        self._inner = inner
        self._longest_s = longest_s
        self._stuck = 0
        self._lock = Lock()

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Send, and wait for it so long. Raises DeliveryError."""
        with self._lock:
            if self._stuck >= MOST_STUCK:
                raise DeliveryError(f"{self._stuck} earlier messages still hang there")
            self._stuck += 1
        sending = _Sending(lambda: self._inner.send(message, attempt), self._ended)
        sending.start()
        sending.join(self._longest_s)
        if sending.error is not None:
            raise sending.error
        if sending.receipt is None:
            msg = f"no answer within {self._longest_s:.0f} seconds"
            raise DeliveryError(msg, ambiguous=True)
        return sending.receipt

    def _ended(self) -> None:
        with self._lock:
            self._stuck -= 1


class _Sending(Thread):
    """One send, and how it ended."""

    def __init__(self, send: Callable[[], Receipt], ended: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="send")
        self.receipt: Receipt | None = None
        self.error: Exception | None = None
        self._send, self._ended = send, ended

    def run(self) -> None:
        """Send, and keep what came of it."""
        try:
            self.receipt = self._send()
        except Exception as error:
            self.error = error  # raised where it is waited for
        finally:
            self._ended()
