"""Shares: on how many days, and by how many, each value of a rule is shown; settled once a day.

What a day shows counts from the next midnight of the event clock on, so no event is part of its
own share. What somebody was told of counts only once it is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from detector.rule_types.base import Tail
from detector.rule_types.seen import LATE_US
from detector.rule_types.standing import Standing
from detector.workhours import DAY_US

MOST_SHOWERS: Final = 50_000
MOST_VALUES: Final = 500
"""Of one person; beyond that what was not seen for longest goes."""


def smoothed(count: int, of: int) -> float:
    """The share by Laplace's rule of succession: of little evidence it is never small.

    >>> smoothed(0, 8), smoothed(0, 98), smoothed(49, 98)
    (0.1, 0.01, 0.5)
    """
    return (count + 1) / (of + 2)


def needed(below: float) -> int:
    """How many at least must be known for a share to lie below a bound.

    >>> needed(0.02), smoothed(0, needed(0.02)) < 0.02, smoothed(0, needed(0.02) - 1) < 0.02
    (49, True, False)
    """
    return max(0, int(1 / below - 2) + 1)


class Shower(msgspec.Struct):
    """One who shows values: on how many days any, and each of them since when and how often."""

    days: int = 0
    last_day: int = -1
    group: str = ""
    """The group that the organisation states for the person."""
    values: dict[str, Standing] = {}
    guarded: dict[str, Standing] = {}
    """What came under an alert, and counts for nobody until it is accepted."""
    oldest: int = 0
    """No value was last shown before this time."""

    def days_of(self, value: str) -> int:
        """On how many days before today the value was shown and not guarded."""
        known = self.values.get(value)
        return known.days if known else 0


class ShareTail(Tail):
    """Everybody's values, what the open day showed, and how many show each value."""

    showers: dict[str, Shower] = {}
    open: dict[int, dict[str, dict[str, None]]] = {}
    """What was shown since the last midnight of the clock: on which day, by whom, which values."""
    crowd: dict[str, int] = {}
    """How many show each value."""
    known: int = 0
    """How many were active on a day that is over."""

    def show(self, name: str, value: str, day: int) -> bool:
        """Note what somebody shows on a day; whether that is news in the open day."""
        people = self.open.get(day)
        if people is None:
            people = self.open[day] = {}
        shown = people.get(name)
        if shown is None:
            shown = people[name] = {}
        if value in shown or len(shown) >= MOST_VALUES:
            return False
        shown[value] = None
        return True

    def is_habit(self, name: str, value: str, days: int) -> bool:
        """Whether somebody who guards nothing showed the value on so many days before."""
        shower = self.showers.get(name)
        if shower is None or shower.guarded:
            return False
        known = shower.values.get(value)
        return known is not None and known.days >= days

    def shower(self, name: str) -> Shower:
        """Who shows; the longest kept goes if there are too many."""
        found = self.showers.get(name)
        if found is None:
            found = self.showers[name] = Shower()
            if len(self.showers) > MOST_SHOWERS:
                self._drop(next(iter(self.showers)))
        return found

    def accept(self, shower: Shower, value: str) -> None:
        """Let a guarded value count from now on."""
        self._learn(shower, value, shower.guarded.pop(value))

    def settle(self, clock: int, remember_us: int) -> None:
        """Midnight: what was shown becomes known, what was guarded is accepted or waits, old goes."""
        for day in sorted(self.open):
            for name, shown in self.open[day].items():
                self._settle(self.shower(name), shown, day)
        self.open = {}
        before = clock - remember_us - LATE_US
        for name, shower in list(self.showers.items()):
            if shower.guarded or shower.oldest < before:
                self._review(shower, clock, before)
            if not (shower.values or shower.guarded):
                del self.showers[name]
        self.known = sum(shower.days > 0 for shower in self.showers.values())

    def _settle(self, shower: Shower, shown: Iterable[str], day: int) -> None:
        """What one showed on a day becomes known."""
        guarded, values, time = shower.guarded, shower.values, day * DAY_US
        for value in shown:
            known = guarded.get(value) or values.get(value)
            if known is None:
                self._learn(shower, value, Standing(time, time))
            else:
                known.see(time)
        if day > shower.last_day:
            shower.days, shower.last_day = shower.days + 1, day

    def _learn(self, shower: Shower, value: str, standing: Standing) -> None:
        if len(shower.values) >= MOST_VALUES:
            oldest = min(shower.values, key=lambda each: (shower.values[each].last, each))
            self._forget(shower, oldest)
        shower.values[value] = standing
        shower.oldest = min(shower.oldest, standing.last)
        self.crowd[value] = self.crowd.get(value, 0) + 1

    def _review(self, shower: Shower, clock: int, before: int) -> None:
        for value, standing in list(shower.guarded.items()):
            if standing.last < before:
                del shower.guarded[value]
            elif standing.is_accepted(clock, said=None):
                self.accept(shower, value)
        if shower.oldest < before:
            for value in [value for value, each in shower.values.items() if each.last < before]:
                self._forget(shower, value)
            shower.oldest = min((each.last for each in shower.values.values()), default=before)

    def _forget(self, shower: Shower, value: str) -> None:
        del shower.values[value]
        self.crowd[value] -= 1
        if not self.crowd[value]:
            del self.crowd[value]

    def _drop(self, name: str) -> None:
        shower = self.showers.pop(name)
        self.known -= shower.days > 0
        for value in list(shower.values):
            self._forget(shower, value)
