"""What a first-seen rule keeps: subjects, values and sessions, all of them bounded.

An attacker chooses addresses and sessions at will; beyond the bounds the longest kept go.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from detector.rule_types import aftermath
from detector.rule_types.base import Tail
from detector.workhours import DAY_US

MOST_GROUPS: Final = 50_000
MOST_VALUES: Final = 5_000
"""Of one group."""
MOST_SESSIONS: Final = 50_000
"""Sessions that wait for their device."""
SESSION_US: Final = 7 * DAY_US
LATE_US: Final = 8 * DAY_US
"""What is older than this can be reached by no event, however late."""
TOLD_US: Final = 14 * DAY_US
"""As long as the guard keeps what was told unknown without a verdict, it is not told again."""
_NEVER: Final = 2**62


class Pending(msgspec.Struct):
    """A session whose device is not known yet, and what its sign-in said."""

    time: int
    event_id: str
    seq: int
    alerted: bool
    evidence: dict[str, Any]


class Telling(msgspec.Struct, gc=False):
    """When a value was last told of, and the rank of the level it had."""

    time: int
    rank: int


class SeenTail(Tail):
    """By subject: events counted, first seen, values, what was told; and open sessions."""

    events: dict[str, int] = {}
    first: dict[str, int] = {}
    told: dict[str, dict[str, Telling]] = {}
    values: dict[str, dict[str, int]] = {}
    sessions: dict[str, Pending] = {}
    suspicions: dict[str, aftermath.Suspicion] = {}

    def count(self, group: str, time: int, most: int | None) -> None:
        """Count an event of a group; once there are so many, no more of them matter."""
        counted = self.events.get(group, 0)
        if most is not None and counted >= most:
            return
        self.events[group] = counted + 1
        self.first[group] = min(time, self.first.get(group, _NEVER))
        if len(self.first) > MOST_GROUPS:
            oldest = next(iter(self.first))
            for kept in (self.events, self.first, self.told, self.values):
                kept.pop(oldest, None)

    def show(self, group: str, key: str, time: int) -> int | None:
        """Note that a group shows a value; when it did last, null if never."""
        known = self.values.setdefault(group, {})
        old = known.get(key)
        if old is None and len(known) >= MOST_VALUES:
            del known[min(known, key=lambda each: (known[each], each))]
        known[key] = max(time, old or 0)
        return old

    def tell(self, group: str, key: str, telling: Telling) -> None:
        """Note that a value was told of; it stays at its latest time and highest rank."""
        told = self.told.setdefault(group, {})
        old = told.get(key)
        if old is not None:
            telling = Telling(max(telling.time, old.time), max(telling.rank, old.rank))
        elif len(told) >= MOST_VALUES:
            del told[min(told, key=lambda each: (told[each].time, each))]
        told[key] = telling

    def open(self, session: str, pending: Pending) -> None:
        """Let a session wait for its device; the longest waiting goes if it is too old, or one too many."""
        self.sessions.pop(session, None)
        self.sessions[session] = pending
        oldest = next(iter(self.sessions))
        is_old = self.sessions[oldest].time < pending.time - SESSION_US
        if is_old or len(self.sessions) > MOST_SESSIONS:
            del self.sessions[oldest]

    def forget(self, clock: int, remember_us: int) -> None:
        """Drop what is too old to matter."""
        aftermath.forget(self.suspicions, clock - LATE_US)
        for values in self.values.values():
            for key in [key for key, at in values.items() if at < clock - remember_us - LATE_US]:
                del values[key]
        for group, told in list(self.told.items()):
            for key in [key for key, at in told.items() if at.time < clock - TOLD_US - LATE_US]:
                del told[key]
            if not told:
                del self.told[group]
