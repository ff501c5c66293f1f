"""Paces: how much of something people show on a day, and what of it is usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from detector.facts import Facts
from detector.persons import Person
from detector.rule_types.base import Tail
from detector.workhours import DAY_US

STEADY_EACH: Final = 2
"""So many values are a day with some."""
HISTORY_DAYS: Final = 42
OWN_WEIGHT: Final = 7.0
"""After so many active days the person's own past counts as much as everybody's."""
GUARDED_DAYS: Final = 7
"""A day under an alert is no baseline for so long, and for the longest window before."""
MOST_OF_ONE: Final = 30
"""What one person's day counts at most among those of everybody, or a thief would set the norm."""


class Seen(msgspec.Struct, gc=False):
    """A value that counts, and the event that showed it first."""

    time: int
    seq: int
    event_id: str
    vault: str | None = None
    told_at: int | None = None
    """Event time at which an alert told of it; a day later it counts no more."""


class Pace(msgspec.Struct):
    """One person's counted values of the last days, and counts of the days before."""

    seen: dict[str, Seen] = {}
    days: dict[int, int] = {}
    """Counted values by day, also days on which nothing counted."""
    flagged: dict[int, None] = {}
    """Days under an alert, which are no baseline."""


class Crowd(msgspec.Struct, gc=False):
    """One closed day of everybody: counted values, their squares, people with some."""

    total: int = 0
    squares: int = 0
    steady: int = 0


class VolumeTail(Tail):
    """Everybody's pace, and the days of all together."""

    people: dict[str, Pace] = {}
    crowd: dict[int, Crowd] = {}
    closed: int = 0
    """Days before this one are in `crowd`."""
    person_days: float = 0.0
    """Active days of everybody in the time of `crowd`, as known on the day `counted_on`."""
    counted_on: int = 0


@dataclass(frozen=True, slots=True)
class Usual:
    """What one active day usually brings: for this person, and for everybody."""

    mean: float
    spread: float
    steady: float
    most: int
    most_in_week: int
    days: int
    everybody: float
    person_days: int


def active_days_in(pace: Pace, start: int, end: int) -> int:
    """On how many days between two times the person did any of it, at least one."""
    return max(1, sum(start // DAY_US < day <= end // DAY_US for day in pace.days))


def usual_of(facts: Facts, tail: VolumeTail, name: str, time: int) -> Usual:
    """What was usual on the days before the longest window that ends at `time`."""
    pace, before = tail.people[name], time // DAY_US - 7
    if tail.counted_on != time // DAY_US:
        tail.counted_on = time // DAY_US
        tail.person_days = sum(_active_days(each, time) for each in facts.people.values())
    people = tail.person_days
    total = sum(each.total for each in tail.crowd.values())
    squares = sum(each.squares for each in tail.crowd.values())
    mean = (total + 1) / (people + 10)
    spread = max(2.0, (squares - total * total / max(1, people)) / max(1, total))
    steady = (sum(each.steady for each in tail.crowd.values()) + 1) / (people + 50)
    guarded = {day for day in pace.flagged if day > before - GUARDED_DAYS}
    own = {day: n for day, n in pace.days.items() if day < before and day not in guarded}
    person = facts.people.get(name)
    days = max(len(own), round(_active_days(person, time - 7 * DAY_US)) if person else 0)
    own_steady = sum(count >= STEADY_EACH for count in own.values())
    return Usual(
        mean=(sum(own.values()) + OWN_WEIGHT * mean) / (days + OWN_WEIGHT),
        spread=spread,
        steady=(own_steady + OWN_WEIGHT * steady) / (days + OWN_WEIGHT),
        most=max(own.values(), default=0),
        most_in_week=max((sum(own.get(day + n, 0) for n in range(7)) for day in own), default=0),
        days=days,
        everybody=mean,
        person_days=int(people),
    )


def _active_days(person: Person, time: int) -> float:
    """About how many of the last `HISTORY_DAYS` days the person was active."""
    age_days = max(1.0, (time - person.first) / DAY_US)
    return person.days * min(1.0, HISTORY_DAYS / age_days)


def close(tail: VolumeTail, pace: Pace, first: int, today: int) -> None:
    """Count a person's days from `first` to `today` into those of everybody."""
    for day, each in pace.days.items():
        if first <= day < today:
            crowd = tail.crowd.get(day)
            if crowd is None:
                crowd = tail.crowd[day] = Crowd()
            count = min(each, MOST_OF_ONE)
            crowd.total += count
            crowd.squares += count * count
            crowd.steady += count >= STEADY_EACH
