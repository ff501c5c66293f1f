"""Slack's limits on how often each method may be called, kept before Slack has to say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from detector.ports import DeliveryError

LONGEST_WAIT_S: Final = 2.0
"""Waited for on the spot; what takes longer goes back to the outbox."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many calls a minute, and so many at once after a quiet time."""

    a_minute: float
    at_once: int


POST: Final = "chat_postMessage"
BUDGETS: Final = {
    POST: Budget(60, 4),  # one a second and channel, short bursts allowed
    "chat_update": Budget(50, 10),  # tier 3
    "chat_postEphemeral": Budget(100, 10),  # tier 4
    "conversations_history": Budget(50, 10),
    "conversations_replies": Budget(50, 10),
    "conversations_list": Budget(20, 5),  # tier 2
    "files_upload_v2": Budget(20, 5),
    "users_info": Budget(100, 10),
    "views_open": Budget(100, 10),
}
"""From Slack's pages on rate limits: tier 2 is 20 a minute, tier 3 50, tier 4 100."""
_OTHERS: Final = Budget(20, 5)


class Pace:
    """When a method may be called next; one for all destinations of a token.

    `monotonic` and `sleep` are those of `time`. Posts are counted by channel, all else by
    method. A wait that Slack itself asked for holds the method, whatever the budget says.
    """

    def __init__(self, *, monotonic: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = Lock()
        self._due: dict[tuple[str, str], float] = {}
        self._held: dict[tuple[str, str], float] = {}

    def wait(self, method: str, channel: str) -> None:
        """Wait for our turn, at most two seconds. Raises DeliveryError that says how long else."""
        delay_s = self._reserve(_key(method, channel))
        if delay_s > LONGEST_WAIT_S:
            raise DeliveryError("Slack: waiting for our turn", retry_after_s=delay_s)
        if delay_s > 0:
            self._sleep(delay_s)

    def hold(self, method: str, channel: str, seconds: float) -> None:
        """Slack asked to wait: nobody calls this method before."""
        with self._lock:
            self._held[_key(method, channel)] = self._monotonic() + seconds

    def _reserve(self, key: tuple[str, str]) -> float:
        """The seconds until our turn; the turn is taken only if it is soon."""
        budget = BUDGETS.get(key[0], _OTHERS)
        between_s = 60.0 / budget.a_minute
        with self._lock:
            now = self._monotonic()
            due = max(now, self._due.get(key, now))
            turn = max(due - (budget.at_once - 1) * between_s, self._held.get(key, now), now)
            if turn - now <= LONGEST_WAIT_S:
                self._due[key] = due + between_s
            return turn - now


def _key(method: str, channel: str) -> tuple[str, str]:
    return method, channel if method == POST else ""
