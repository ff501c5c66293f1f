"""How an account fares from round to round: what failed last, and when it is asked again."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from detector.events import FEEDS
from detector.ports import Page, SourceError
from detector.pulse import Pulse

MOST_POLLS: Final = 5
"""A failure that may pass: the longest pause, in polls."""
MOST_POLLS_IN_VAIN: Final = 60
"""A failure that only a person can mend, as a revoked token: the longest pause, in polls."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What asking a feed once came to; `chains` are those that it began: from when, and why.

    `asked` is when the page was asked for.
    """

    page: Page | SourceError
    asked: datetime
    chains: tuple[tuple[datetime, str], ...] = ()


@dataclass
class Lane:
    """One feed between two rounds. It forgets when the process ends: a restart asks at once."""

    failures: int = 0
    resets: int = 0
    """Refused cursors in a row, without one in between that was accepted."""
    error: SourceError | None = None
    since: datetime | None = None
    """When the present row of failures began."""
    until: datetime | None = None
    reset_until: datetime | None = None
    page: datetime | None = None
    """When the last page came."""
    stalled: bool = False
    """Whether that promised more and gave the same."""
    late: Future[Answer] | None = None
    """What a round has asked for and did not wait for: nothing else moves the feed's cursor."""

    def is_held(self, now: datetime) -> bool:
        """Whether it is too early to ask again."""
        return self.until is not None and now < self.until

    def worked(self, now: datetime, *, stalled: bool) -> None:
        """A page came."""
        self.page, self.stalled = now, stalled
        self.failures, self.error, self.since, self.until = 0, None, None, None

    def failed(self, error: SourceError, now: datetime, poll_every: timedelta) -> None:
        """Nothing came: each time in a row it is asked again later, the cursor stays.

        The first failure that may pass costs no pause; what the API asked for is kept to.
        """
        self.failures += 1
        self.error, self.since = error, self.since or now
        most = MOST_POLLS_IN_VAIN if error.permanent else MOST_POLLS
        polls = min(most, 2 ** min(self.failures - 1, 16))
        pause = poll_every * polls if error.permanent or self.failures > 1 else timedelta(0)
        asked = timedelta(seconds=error.retry_after_s or 0)
        self.until = now + max(pause, asked)

    def may_begin_again(self, now: datetime, poll_every: timedelta) -> bool:
        """Whether a new chain may begin in place of a refused one; each time in a row later."""
        if self.reset_until is not None and now < self.reset_until:
            return False
        self.resets += 1
        polls = min(MOST_POLLS_IN_VAIN, 2 ** min(self.resets, 16))
        self.reset_until = now + poll_every * polls if self.resets > 1 else None
        return True

    def accepted(self) -> None:
        """A cursor was taken."""
        self.resets, self.reset_until = 0, None


@dataclass
class Vitals:
    """What is known of an account beside its feeds: filled by the service, looked at by the watch."""

    feeds: tuple[str, ...] = FEEDS
    """Those that the token permits."""
    own: frozenset[str] = frozenset()
    """Ids of the token and integration by which this service reads."""
    expires: datetime | None = None
    broken: tuple[datetime, str] | None = None
    """Since when polls end in an error of our own, and which."""
    pulses: dict[str, Pulse] = field(default_factory=dict)
