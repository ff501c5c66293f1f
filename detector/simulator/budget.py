"""The API's request budget: 600 in a minute and 30,000 in an hour for a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

PER_MINUTE: Final = 600.0
PER_HOUR: Final = 30_000.0


@dataclass(slots=True)
class Bucket:
    """A token bucket that refills with time, on whatever clock the caller has."""

    size: float
    period_s: float
    _left: float = field(default=-1.0)
    _filled: float = field(default=0.0)

    def wait_s(self, at: float) -> float:
        """Take one; or the seconds until there is one."""
        if self._left < 0:
            self._left, self._filled = self.size, at
        gained = max(0.0, at - self._filled) * self.size / self.period_s
        self._left, self._filled = min(self.size, self._left + gained), at
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) * self.period_s / self.size


@dataclass(slots=True)
class Budget:
    """Both budgets of one token."""

    minute: Bucket = field(default_factory=lambda: Bucket(PER_MINUTE, 60.0))
    hour: Bucket = field(default_factory=lambda: Bucket(PER_HOUR, 3600.0))

    def wait_s(self, now: datetime) -> float:
        """Seconds to wait before the next request; zero if this one may pass."""
        at = now.timestamp()
        return max(self.minute.wait_s(at), self.hour.wait_s(at))
