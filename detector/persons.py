"""What is known of one person beside the facts, and what people show in the open hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np


class Guard(msgspec.Struct, gc=False):
    """A value that is not learned because it came under an alert."""

    since: int
    last_day: int
    further_days: int = 0


class Judged(msgspec.Struct, frozen=True, gc=False):
    """What a person said of an alert: harmless or not, and the time that is meant by it."""

    since: int
    until: int
    harmless: bool

    def meets(self, other: Judged) -> bool:
        """Whether both speak of the same time."""
        return self.since <= other.until and other.since <= self.until


def verdict(said: Iterable[Judged], moment: int) -> bool | None:
    """Whether what happened then was harmless; null if nobody said so. One that was not prevails.

    >>> said = [Judged(0, 9, harmless=True), Judged(5, 7, harmless=False)]
    >>> verdict(said, 3), verdict(said, 6), verdict(said, 10)
    (True, False, None)
    """
    found = [each.harmless for each in said if each.since <= moment <= each.until]
    return all(found) if found else None


class Person(msgspec.Struct):
    """What is known of one person. Times are microseconds of UTC."""

    first: int
    last: int
    days: int = 0
    """Days with activity."""
    events: int = 0
    home: str | None = None
    zone: str | None = None
    """Zone inferred from the place of most days."""
    guards: dict[str, Guard] = {}


class Suspect(msgspec.Struct, gc=False):
    """Somebody about whom nothing new is learned until then."""

    until: int
    high: int = 0
    """Time of the last alert of level high or above, 0 if there was none."""


def _no_numbers() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


class Again(msgspec.Struct):
    """Facts that were shown again, on a day on which they were not seen yet: parallel arrays."""

    lines: np.ndarray = msgspec.field(default_factory=_no_numbers)
    seqs: np.ndarray = msgspec.field(default_factory=_no_numbers)
    days: np.ndarray = msgspec.field(default_factory=_no_numbers)

    def add(self, lines: np.ndarray, seqs: np.ndarray, days: np.ndarray) -> None:
        """Add some."""
        self.lines, self.seqs = np.append(self.lines, lines), np.append(self.seqs, seqs)
        self.days = np.append(self.days, days)


class Lessons(msgspec.Struct):
    """What was shown and is not known: parallel lists. `learners` are places in the open hour."""

    learners: list[int] = []
    kinds: list[int] = []
    values: list[str] = []
    seqs: list[int] = []
    days: list[int] = []

    def __len__(self) -> int:
        return len(self.learners)

    def key(self, place: int) -> str:
        """The name of one among the guards of its person."""
        return f"{self.kinds[place]}:{self.values[place]}"

    def take(self, places: Sequence[int]) -> Lessons:
        """Those at some places."""
        return Lessons(
            [self.learners[place] for place in places],
            [self.kinds[place] for place in places],
            [self.values[place] for place in places],
            [self.seqs[place] for place in places],
            [self.days[place] for place in places],
        )

    def followed_by(self, other: Lessons) -> Lessons:
        """These and others in the order of their events."""
        both = Lessons(
            self.learners + other.learners,
            self.kinds + other.kinds,
            self.values + other.values,
            self.seqs + other.seqs,
            self.days + other.days,
        )
        return both.take(sorted(range(len(both)), key=both.seqs.__getitem__))


class OpenHour(msgspec.Struct):
    """What people have shown since the last settlement, a place a person in order of appearance."""

    places: dict[str, int] = {}
    first: list[int] = []
    last: list[int] = []
    events: list[int] = []
    again: Again = msgspec.field(default_factory=Again)
    lessons: Lessons = msgspec.field(default_factory=Lessons)
    visitors: list[int] = []
    """Who was at one of the places in `visited`."""
    visited: list[str] = []
    shown: dict[str, None] = {}
    """What was shown, while the hour goes on: see `shown_key`."""
    doubted: dict[str, int] = {}
    """Of those who came under an alert in the hour until when they were suspect before, 0 if not."""


def shown_key(place: int, kind: int, value: str) -> str:
    """A value that the person of a place in the open hour has shown."""
    return f"{place}:{kind}:{value}"
