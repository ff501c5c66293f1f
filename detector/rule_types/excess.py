"""Windows that hold more than is usual: bursts of an hour, a day or a week, and many days with some."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

from detector.rule_types.paces import MOST_VALUES, STEADY_EACH, Pace, Room, Seen, Usual
from detector.rule_types.surprise import as_often, more_than_usual
from detector.workhours import DAY_US, HOUR_US

WINDOWS: Final = {"hour": (HOUR_US, 1 / 3), "day": (DAY_US, 1.0), "week": (7 * DAY_US, 0.0)}
"""Length, and how many usual days lie in it; a week has as many as were active in it."""
NOTHING: Final[Mapping[str, Seen]] = MappingProxyType({})
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


@dataclass(frozen=True)
class Asked:
    """What a rule asks: which windows it judges, the least count, the chance below which it alerts."""

    within: tuple[str, ...]
    least: int
    chance: float

    @cached_property
    def _around(self) -> tuple[int, ...]:
        """How far off the other days lie on which a window can hold an event of a day."""
        days = 7 if "week" in self.within else 1
        return tuple(step for step in range(-days, days + 1) if step)

    def room(self, pace: Pace, day: int) -> Room:
        """The room that a person has on a day, as long as nobody asks what is usual."""
        pace.days.setdefault(day, 0)
        seen = pace.seen.get(day, {})
        most = len(seen) + MOST_VALUES - sum(map(len, pace.seen.values()))
        return Room(day, pace, seen, self._below_least(pace, day), most)

    def _below_least(self, pace: Pace, day: int) -> int:
        """Up to how many values of a day no window around it holds the least count."""
        count = pace.days.get
        return self.least - 1 - sum([count(day + step, 0) for step in self._around])

    def quiet(self, pace: Pace, usual: Usual, day: int) -> int:
        """Up to how many values of a day no window that holds an event of it can be one too many.

        A bound: it says nothing about how close together they are.
        """
        count, least = pace.days.get(day, 0), self._below_least(pace, day)
        if "week" in self.within:
            near = [pace.days.get(day + step, 0) for step in self._around]
            if 1 + sum([each >= STEADY_EACH for each in near]) >= STEADY_DAYS:
                return least
        return max(
            least, min(count + most - held for _, held, most in self._near(pace, usual, day))
        )

    def _near(self, pace: Pace, usual: Usual, day: int) -> Iterator[tuple[str, int, int]]:
        """For each window the most that it can hold with a day in it, and up to how much is never too much."""
        for window in self.within:
            week = window == "week"
            most = usual.most_in_week if week else usual.most
            yield window, _most_held(pace, day, 7 if week else 1), max(most, self.least - 1)

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
        near = self._near(pace, usual, time // DAY_US)
        judged = [window for window, count, most in near if count > most]
        if not judged:
            return
        times = self._fresh_times(pace, time)
        for window in judged:
            excess = self._burst(pace, usual, (window, times), time)
            if excess is not None:
                yield excess

    def _burst(
        self, pace: Pace, usual: Usual, counted: tuple[str, list[int]], time: int
    ) -> Excess | None:
        """The fullest window of one length that holds the event, null if it is nothing much."""
        window, times = counted
        most = usual.most_in_week if window == "week" else usual.most
        end, count = _fullest(window, times, time)
        if count < self.least or count <= most:
            return None
        return _excess(pace, usual, window, (end, count))

    def looked(self, pace: Pace, usual: Usual, time: int) -> Iterator[tuple[int, Excess]]:
        """For explanations: how full each window is, enough or not, and how much would be enough."""
        times = self._fresh_times(pace, time)
        for window in self.within:
            most = usual.most_in_week if window == "week" else usual.most
            full = _fullest(window, times, time)
            yield max(self.least, most + 1), _excess(pace, usual, window, full)
        if "week" in self.within:
            for excess in self._steady(pace, usual, time):
                yield self.least, excess

    def _fresh_times(self, pace: Pace, time: int) -> list[int]:
        """The times, ascending, of the fresh values that a window around a time may hold."""
        days, day = (7 if "week" in self.within else 1), time // DAY_US
        return sorted(
            [each.time for _, each in fresh(pace, range(day - days, day + days + 1), time)]
        )

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
    span = days or float(_active_days(pace, end - length_us, end))
    chance = more_than_usual(count, usual.mean * span, usual.spread)
    return Excess(window, count, chance, usual.mean * span, end - length_us + 1, end)


def _active_days(pace: Pace, start: int, end: int) -> int:
    """On how many days between two times the person did any of it, at least one."""
    return max(1, sum(day in pace.days for day in range(start // DAY_US + 1, end // DAY_US + 1)))


def _most_held(pace: Pace, day: int, days: int) -> int:
    """The most that was counted on so many days in a row and the next, of which one is the day.

    A window of that length touches no more days.
    """
    counts = pace.days
    if not any(each in counts for each in range(day + 1, day + days + 1)):
        return sum([counts.get(each, 0) for each in range(day - days, day + 1)])
    return max(
        sum([counts.get(each, 0) for each in range(last - days, last + 1)])
        for last in range(day, day + days + 1)
    )


def fresh(pace: Pace, days: range, time: int) -> list[tuple[str, Seen]]:
    """The values of some days that no alert told of a day before a time, or longer ago."""
    return [
        (value, each)
        for day in days
        for value, each in pace.seen.get(day, NOTHING).items()
        if each.told_at is None or abs(time - each.told_at) <= DAY_US
    ]
