"""Windows that hold more than is usual: bursts of an hour, a day or a week, and many days with some."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from detector.rule_types.paces import STEADY_EACH, Pace, Seen, Usual, active_days_in
from detector.rule_types.surprise import as_often, more_than_usual
from detector.workhours import DAY_US, HOUR_US

WINDOWS: Final = {"hour": (HOUR_US, 1 / 3), "day": (DAY_US, 1.0), "week": (7 * DAY_US, 0.0)}
"""Length, and how many usual days lie in it; a week has as many as were active in it."""
STEADY_DAYS: Final = 4
"""Days of eight with some are steady."""


@dataclass(frozen=True, slots=True)
class Excess:
    """The least likely window that ends at an event."""

    window: str
    count: int
    chance: float
    expected: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule asks: which windows it judges, the least count, the chance below which it alerts."""

    within: tuple[str, ...]
    least: int
    chance: float

    def most_near(self, pace: Pace, day: int) -> int:
        """No window that holds an event of the day can hold more than this."""
        return _counted_near(pace, day, 7 if "week" in self.within else 1)

    def excess(self, pace: Pace, usual: Usual, time: int) -> Excess | None:
        """The least likely of all windows with the event in them, null if all are usual.

        What an alert told of a day ago and before counts no more, or a week would be told twice.
        """
        found = [*self._bursts(pace, usual, time)]
        if "week" in self.within:
            found += self._steady(pace, usual, time)
        worst = min(found, key=lambda each: each.chance, default=None)
        return worst if worst and worst.chance < self.chance else None

    def _bursts(self, pace: Pace, usual: Usual, time: int) -> Iterator[Excess]:
        """The fullest window of each length that is fuller than any before it."""
        near = {days: _counted_near(pace, time // DAY_US, days) for days in (1, 7)}
        judged = []
        for window in self.within:
            most = usual.most_in_week if window == "week" else usual.most
            if near[7 if window == "week" else 1] > max(most, self.least - 1):
                judged.append((window, most))
        if not judged:
            return
        times = sorted(each.time for each in pace.seen.values() if is_fresh(each, time))
        for window, most in judged:
            excess = self._burst(pace, usual, (window, most, times), time)
            if excess is not None:
                yield excess

    def _burst(
        self, pace: Pace, usual: Usual, counted: tuple[str, int, list[int]], time: int
    ) -> Excess | None:
        """The fullest window of one length that holds the event, null if it is nothing much."""
        window, most, times = counted
        end, count = _fullest(window, times, time)
        if count < self.least or count <= most:
            return None
        return _excess(pace, usual, window, (end, count))

    def looked(self, pace: Pace, usual: Usual, time: int) -> Iterator[tuple[int, Excess]]:
        """For explanations: how full each window is, enough or not, and how much would be enough."""
        times = sorted(each.time for each in pace.seen.values() if is_fresh(each, time))
        for window in self.within:
            most = usual.most_in_week if window == "week" else usual.most
            full = _fullest(window, times, time)
            yield max(self.least, most + 1), _excess(pace, usual, window, full)
        if "week" in self.within:
            for excess in self._steady(pace, usual, time):
                yield self.least, excess

    def _steady(self, pace: Pace, usual: Usual, time: int) -> Iterator[Excess]:
        """A few a day, for days: how many of the last eight days had some."""
        today = time // DAY_US
        for day in range(today, min(max(pace.days), today + 7) + 1):
            if not pace.days.get(day):
                continue
            last = [each for each in range(day - 7, day + 1) if each in pace.days]
            some = [each for each in last if pace.days[each] >= STEADY_EACH]
            if len(some) < STEADY_DAYS:
                continue
            count = sum(pace.days[each] for each in last)
            chance = as_often(len(some), len(last), usual.steady)
            expected = usual.mean * len(last)
            if count >= self.least:
                end = (day + 1) * DAY_US - 1
                yield Excess("days", count, chance, expected, (day - 7) * DAY_US, end)


def _fullest(window: str, times: list[int], time: int) -> tuple[int, int]:
    """Where the fullest window of one length ends that holds a time, and how much it holds."""
    length_us, _ = WINDOWS[window]
    ends = times[bisect_left(times, time) : bisect_right(times, time + length_us - 1)]
    count, end = max(
        (bisect_right(times, end) - bisect_right(times, end - length_us), end)
        for end in dict.fromkeys([time, *ends])
    )
    return end, count


def _excess(pace: Pace, usual: Usual, window: str, full: tuple[int, int]) -> Excess:
    """A window that ends at a time and holds so much, and how likely that is."""
    (length_us, days), (end, count) = WINDOWS[window], full
    span = days or float(active_days_in(pace, end - length_us, end))
    chance = more_than_usual(count, usual.mean * span, usual.spread)
    return Excess(window, count, chance, usual.mean * span, end - length_us + 1, end)


def _counted_near(pace: Pace, day: int, days: int) -> int:
    """How much was counted from so many days before the day to so many after it."""
    count = pace.days.get
    return sum([count(each, 0) for each in range(day - days, day + days + 1)])


def is_fresh(seen: Seen, time: int) -> bool:
    """Whether no alert told of a value a day before a time, or longer ago."""
    return seen.told_at is None or abs(time - seen.told_at) <= DAY_US
