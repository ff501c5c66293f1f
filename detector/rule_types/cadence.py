"""Cadence: at which hours of the week something usually happens, and how long it pauses.

Silence is counted in usual hours: nights, weekends and holidays of what rests then are no silence.
Hours are those of UTC, one to either side counts as well, so that daylight saving changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec

from detector.rule_types.base import Tail
from detector.workhours import DAY_US, HOUR_US

HISTORY_DAYS: Final = 42
LEARN_DAYS: Final = 14
"""So long something must have been watched, and on so many days it must have happened:"""
LEAST_DAYS: Final = 10
USUAL: Final = 0.5
"""An hour of the week is usual that saw it in so many of the weeks."""
WHOLE_DAY: Final = 0.75
"""Of what has no usual hour a whole day of the week is, if it saw it in so many of the weeks."""
MOST_ENTITIES: Final = 5_000
_WEEK: Final = 168
_MONDAY: Final = 4
"""1970 began on a Thursday: the first Monday was day 4."""


class Cadence(msgspec.Struct, gc=False):
    """What is usual: a text of 168 digits from Monday 00 UTC, 1 where an hour is; and the pause.

    `pause` is how many usual hours lay between two hours in which it happened, but for the longest.
    """

    hours: str
    pause: int
    rests: bool
    """Whether it never happens at weekends."""

    def is_usual(self, hour: int) -> bool:
        """Whether an hour since 1970 is a usual one."""
        return self.hours[place_of(hour)] == "1"

    def works_on(self, hour: int) -> bool:
        """Whether any hour of that day is a usual one."""
        start = place_of(hour) // 24 * 24
        return "1" in self.hours[start : start + 24]


class Presence(msgspec.Struct):
    """When something happened last, and in which hours of the last weeks it did.

    `counted` are the usual hours without it since then, `waited` the hours of its days, both up
    to `upto` (hours since 1970).
    """

    last: int
    last_id: str
    last_seq: int
    subject: tuple[str, str, str | None, str | None]
    """Type, id, e-mail and name."""
    feeds: dict[str, None] = {}
    """The feeds that it was ever seen in."""
    days: dict[int, int] = {}
    """By day since 1970 a bit for each hour in which it happened."""
    first_day: int = 0
    cadence: Cadence | None = None
    counted: int = 0
    waited: int = 0
    upto: int = 0
    told: int = 0
    """The time for which silence was told, 0 if it was not."""

    def see(self, time: int, event_id: str, seq: int) -> None:
        """It happened again, later than ever before."""
        self.last, self.last_id, self.last_seq = time, event_id, seq
        self.upto, self.counted, self.waited, self.told = hour_of(time) + 1, 0, 0, 0

    def mark(self, hour: int) -> None:
        """It happened in an hour."""
        day = hour // 24
        self.days[day] = self.days.get(day, 0) | 1 << hour % 24

    def hours(self) -> list[int]:
        """The hours in which it happened, ascending."""
        return [
            day * 24 + hour
            for day, bits in sorted(self.days.items())
            for hour in range(24)
            if bits >> hour & 1
        ]


class AbsenceTail(Tail):
    """Everything whose absence would be noticed."""

    present: dict[str, Presence] = {}

    def begin(self, name: str, present: Presence) -> Presence:
        """Something is seen for the first time; the longest kept goes if there are too many."""
        self.present[name] = present
        if len(self.present) > MOST_ENTITIES:
            del self.present[next(iter(self.present))]
        return present

    def forget(self, clock: int) -> None:
        """Midnight: learn what is usual anew, and drop what did not happen for weeks."""
        today = clock // DAY_US
        for name, each in list(self.present.items()):
            for day in [day for day in each.days if day < today - HISTORY_DAYS]:
                del each.days[day]
            if not each.days:
                del self.present[name]
            elif not each.told and each.last // DAY_US >= today - 2:
                each.cadence = learned(each, today)


def place_of(hour: int) -> int:
    """The place of an hour since 1970 in the week from Monday 00 UTC.

    >>> place_of(0), place_of(4 * 24)
    (72, 0)
    """
    return (hour - 24 * _MONDAY) % _WEEK


def learned(present: Presence, today: int) -> Cadence | None:
    """What is usual by the days before today; null while too little is known, or nothing is."""
    known = [hour for hour in present.hours() if hour // 24 < today]
    first = max(present.first_day, today - HISTORY_DAYS)
    days = {hour // 24 for hour in known}
    if not known or today - first < LEARN_DAYS or len(days) < LEAST_DAYS:
        return None
    weeks = [0] * 7
    for day in range(first, today):
        weeks[(day - _MONDAY) % 7] += 1
    hours = _usual_hours(known, days, weeks)
    if "1" not in hours:
        return None
    rests = not any((day - _MONDAY) % 7 >= 5 for day in days)
    bare = Cadence(hours, 0, rests)
    pauses = sorted(_pauses(bare, known), reverse=True)
    return Cadence(hours, pauses[1] if len(pauses) > 1 else 0, rests)


def _usual_hours(known: list[int], days: set[int], weeks: list[int]) -> str:
    seen = [0] * _WEEK
    for near in {hour + step for hour in known for step in (-1, 0, 1)}:
        seen[place_of(near)] += 1
    usual = [
        count >= max(2, USUAL * weeks[place // 24]) and count > 0
        for place, count in enumerate(seen)
    ]
    on = [0] * 7
    for day in days:
        on[(day - _MONDAY) % 7] += 1
    for weekday in range(7):
        hours = range(24 * weekday, 24 * weekday + 24)
        if not any(usual[place] for place in hours):
            whole = on[weekday] >= max(2, WHOLE_DAY * weeks[weekday])
            for place in hours:
                usual[place] = whole
    return "".join("1" if each else "0" for each in usual)


def _pauses(cadence: Cadence, known: list[int]) -> Iterator[int]:
    """How many usual hours lie between each two hours in which it happened."""
    for before, after in pairwise(known):
        yield sum(cadence.is_usual(hour) for hour in range(before + 1, after))


def hour_of(time: int) -> int:
    """The hour since 1970 of a time.

    >>> hour_of(3_600_000_000)
    1
    """
    return time // HOUR_US
