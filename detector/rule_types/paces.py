"""Paces: how much of something people show on each day, as far as that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from detector.rule_types.base import Tail

STEADY_EACH: Final = 2
"""So many values are a day with some."""
KEEP_DAYS: Final = 16
"""Values are kept for the longest window and the lateness of events."""
HISTORY_DAYS: Final = 42
MOST_VALUES: Final = 1_000
"""Of one person."""
MOST_OF_ONE: Final = 30
"""What one person's day counts at most among those of everybody, or a thief would set the norm."""
ALL: Final = ""
"""The group of everybody."""
LEAST_PEERS: Final = 8
"""A group of fewer people says less than everybody (model.md section 4)."""


class Seen(msgspec.Struct, gc=False):
    """A value that counts, and the event that showed it first."""

    time: int
    seq: int
    event_id: str
    vault: str | None = None
    told_at: int | None = None
    """Event time at which an alert told of it; a day later it counts no more."""


class Everybody(msgspec.Struct, gc=False):
    """What one active day of anybody of a group brings, as known when the clock came to a day."""

    day: int
    group: str
    people: int
    person_days: float
    mean: float
    spread: float
    steady: float


class Usual(msgspec.Struct, gc=False):
    """What one active day usually brings: for this person, and for everybody."""

    mean: float
    spread: float
    steady: float
    most: int
    most_in_week: int
    days: int
    everybody: float
    person_days: int
    group: str
    """Whose usual `everybody` is: that of the person's group, or of ALL."""
    alike: int = 0
    """How many learned peers `everybody` are, 0 if they are not."""


class Pace(msgspec.Struct):
    """One person's counted values of the last days, and counts of the days before."""

    group: str = ALL
    """The group that the organisation states for the person."""
    seen: dict[int, dict[str, Seen]] = {}
    """The values that count, by day."""
    days: dict[int, int] = {}
    """How many they were by day, also of days on which nothing counted."""
    flagged: dict[int, None] = {}
    """Days under an alert, which are no baseline."""

    def forget(self, day: int) -> None:
        """Midnight after a day: drop what now no window, no late event and no baseline can reach."""
        self.seen.pop(day - KEEP_DAYS, None)
        self.days.pop(day - HISTORY_DAYS, None)
        self.flagged.pop(day - HISTORY_DAYS, None)


@dataclass(slots=True)
class Room:
    """The day on which a person's newest event lies, and how much more of it is nothing to look at.

    While there is room an event is only counted. Rooms are made from the tail, and are no part of it.
    """

    day: int
    pace: Pace
    seen: dict[str, Seen]
    """The values of the day."""
    quiet: int
    """With up to so many values on the day no window with an event of it can hold too many."""
    most: int
    """Up to so many values of the day are kept."""
    usual: Usual | None = None
    """What is usual, once that was asked for."""
    made_of: tuple[Everybody, int] | None = None
    """Of whose days, and of how many of the person, that was made."""

    def takes(self, value: str, *, ever: bool) -> bool:
        """Whether a value counts that was not counted on the day, or if `ever` on any."""
        seen = self.seen
        if value in seen or len(seen) >= self.most:
            return False
        return not ever or not any(value in each for each in self.pace.seen.values())

    def add(self, value: str, seen: Seen) -> None:
        """Count a value."""
        mine, pace = self.seen, self.pace
        mine[value] = seen
        pace.seen[self.day], pace.days[self.day] = mine, len(mine)


class Crowd(msgspec.Struct, gc=False):
    """One closed day of everybody: counted values, their squares, people with some."""

    total: int = 0
    squares: int = 0
    steady: int = 0


class Peers(msgspec.Struct):
    """The closed days of a group, and what they make usual."""

    crowd: dict[int, Crowd] = {}
    everybody: Everybody | None = None


class VolumeTail(Tail, dict=True):
    """Everybody's pace, and the days of each group together."""

    people: dict[str, Pace] = {}
    groups: dict[str, Peers] = {}
    alike: dict[str, Everybody] = {}
    """What is usual for the learned peers of a person, reckoned once a day where it is asked for."""
    closed: int = 0
    """Days before this one are in the crowds of `groups`."""

    def __post_init__(self) -> None:
        """Make what is not stored: the rooms of people, and the question that they hold for."""
        self._rooms: dict[str, Room] = {}
        self._asked: object = None

    def rooms(self, asked: object) -> dict[str, Room]:
        """The rooms of people for a rule that asks this; none of them yet if it did not before."""
        if self._asked != asked:
            self._asked, self._rooms = asked, {}
        return self._rooms

    def pace(self, name: str) -> Pace:
        """The pace of a person, which may begin here."""
        found = self.people.get(name)
        if found is None:
            found = self.people[name] = Pace()
        return found

    def leave(self, name: str) -> None:
        """What is usual for a person may be another from here on."""
        self._rooms.pop(name, None)


def close(tail: VolumeTail, today: int) -> None:
    """Midnight: count the days that are over, and drop what is too old."""
    over = range(max(tail.closed, today - HISTORY_DAYS), today)
    for day in over:
        _count(tail, day)
    for name, pace in list(tail.people.items()):
        for day in over:
            pace.forget(day)
        if not pace.days:
            del tail.people[name]
    tail.closed, tail.alike = today, {}
    tail.rooms(None)
    for group in tail.groups.values():
        for day in [day for day in group.crowd if day < today - HISTORY_DAYS]:
            del group.crowd[day]


def _count(tail: VolumeTail, day: int) -> None:
    """Count what everybody did on a day into the crowds of all and of the groups."""
    counts: dict[str, list[int]] = {ALL: []}
    for pace in tail.people.values():
        count = pace.days.get(day)
        if count is not None:
            counts[ALL].append(min(count, MOST_OF_ONE))
            if pace.group != ALL:
                counts.setdefault(pace.group, []).append(min(count, MOST_OF_ONE))
    for group, each in counts.items():
        if each:
            tail.groups.setdefault(group, Peers()).crowd[day] = crowd_of(each)


def crowd_of(counts: Sequence[int]) -> Crowd:
    """The counts of many people's days together."""
    squares = sum(each * each for each in counts)
    return Crowd(sum(counts), squares, sum(each >= STEADY_EACH for each in counts))
