"""The pulse of a feed: how long it usually says nothing, by hour of the week, learned from itself."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

SLOTS: Final = 168
"""Hours of the week in UTC; the neighbouring hours stand in for the change of summer time."""
HOUR_US: Final = 3_600_000_000
WEEK_US: Final = SLOTS * HOUR_US
ENOUGH_WEEKS: Final = 3
"""Weeks in which an hour must have had events before it is judged by itself."""
ENOUGH_HOURS: Final = 100
"""Hours with events before a feed is judged at all: one that is nearly unused has no habit."""
FADES: Final = 0.8
"""What is left of an hour's longest silence when a week has passed."""
TIMES: Final = 2.0
"""How many times its usual silence a feed must be silent to be unusual."""
LEAST_S: Final = 1800
"""No shorter silence is unusual: clients sync, pages are late."""


class Pulse(msgspec.Struct):
    """For each hour of the week the longest silence that ended in it; seconds, and weeks seen."""

    last: int = 0
    """Event time of the newest event, microseconds of UTC."""
    longest: list[int] = msgspec.field(default_factory=lambda: [0] * SLOTS)
    weeks: list[int] = msgspec.field(default_factory=lambda: [0] * SLOTS)
    week: list[int] = msgspec.field(default_factory=lambda: [-1] * SLOTS)
    """Number of the last week in which the hour had an event."""

    def take(self, times: np.ndarray) -> bool:
        """Learn from event times (microseconds, none ahead of its receipt); whether it learned.

        Late events, from before the newest one, say nothing about silence.
        """
        fresh = np.sort(times[times > self.last])
        if not len(fresh):
            return False
        before = self.last or int(fresh[0])
        silences = np.diff(fresh, prepend=before) // 1_000_000
        self.last = int(fresh[-1])
        slots, weeks = (fresh // HOUR_US) % SLOTS, fresh // WEEK_US
        learned = False
        for slot in np.unique(slots).tolist():
            here = slots == slot
            learned |= self._hour(
                slot, sorted(set(weeks[here].tolist())), int(silences[here].max())
            )
        return learned

    def _hour(self, slot: int, weeks: list[int], silence: int) -> bool:
        new = [week for week in weeks if week > self.week[slot]]
        longest = self.longest[slot]
        if new:
            longest = int(longest * FADES ** len(new))
            self.weeks[slot] += len(new)
            self.week[slot] = new[-1]
        longest = max(longest, silence)
        learned = bool(new) or longest != self.longest[slot]
        self.longest[slot] = longest
        return learned


class Silence(msgspec.Struct, frozen=True):
    """An unusual silence: how long it lasts, and how long was usual; seconds.

    `ever`: it is unusual for any hour of the week, and not only for this one.
    """

    lasts_s: int
    usual_s: int
    ever: bool


def silence(pulse: Pulse, now: int) -> Silence | None:
    """The silence of a feed if it is unusual by now (microseconds); null where too little is known."""
    if not pulse.last or sum(pulse.weeks) < ENOUGH_HOURS:
        return None
    lasts = (now - pulse.last) // 1_000_000
    longest = max(pulse.longest)
    if lasts > max(LEAST_S, TIMES * longest):
        return Silence(lasts, longest, ever=True)
    slot = now // HOUR_US % SLOTS
    near = [(slot - 1) % SLOTS, slot, (slot + 1) % SLOTS]
    if min(pulse.weeks[each] for each in near) < ENOUGH_WEEKS:
        return None
    usual = max(pulse.longest[each] for each in near)
    return Silence(lasts, usual, ever=False) if lasts > max(LEAST_S, TIMES * usual) else None
