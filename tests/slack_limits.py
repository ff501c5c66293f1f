"""Slack's rate limits as its pages tell them: by method, and posts by channel; 429 with Retry-After."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final


@dataclass(frozen=True)
class Limit:
    """So many calls a second on the average, and so many at once."""

    a_second: float
    at_once: int


SLACK: Final[Mapping[str, Limit]] = {
    "chat.postMessage": Limit(1, 4),  # one a second and channel; "short bursts" are allowed
    "chat.update": Limit(50 / 60, 10),  # tier 3
    "conversations.history": Limit(50 / 60, 10),
    "conversations.replies": Limit(50 / 60, 10),
    "conversations.list": Limit(20 / 60, 5),  # tier 2
    "files.getUploadURLExternal": Limit(100 / 60, 10),  # tier 4
    "files.completeUploadExternal": Limit(100 / 60, 10),
}
STRICT: Final[Mapping[str, Limit]] = SLACK | {"chat.postMessage": Limit(0.5, 1)}
"""A workspace that is busy: fewer posts than the pages promise."""


@dataclass
class Limiter:
    """A leaky bucket for each method, and for posts for each channel."""

    limits: Mapping[str, Limit]
    now: Callable[[], float] = time.monotonic
    refused: list[tuple[str, int]] = field(default_factory=list)
    """Methods that were refused, and the seconds that each was told to wait."""
    early: int = 0
    """Calls that came although they had been told to wait longer."""
    _due: dict[tuple[str, str], float] = field(default_factory=dict)
    _held: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def wait_s(self, method: str, channel: str) -> int:
        """0 if the call may pass, else the whole seconds of `Retry-After`."""
        limit = self.limits.get(method)
        if limit is None:
            return 0
        key = (method, channel if method == "chat.postMessage" else "")
        with self._lock:
            now = self.now()
            self.early += now < self._held.get(key, 0.0) - 0.001
            due = max(now, self._due.get(key, 0.0))
            over = due - now - (limit.at_once - 1) / limit.a_second
            if over <= 1e-6:
                self._due[key] = due + 1 / limit.a_second
                return 0
            seconds = math.ceil(over)
            self._held[key] = now + seconds
            self.refused.append((method, seconds))
            return seconds
