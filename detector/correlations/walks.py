"""Walks over the entries of one group: after each step, what the window that ends there holds.

The window of an entry reaches back over `span` microseconds, both ends included. A step costs
constant time on average (a median: the logarithm of the window).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from math import isfinite
from typing import Any, Final, TypeVar

import msgspec

MOST_SHOWN: Final = 5
"""Values that the evidence names."""
_Key = TypeVar("_Key", str, int)


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One event of a group, or one finding of a rule that the correlation looks at.

    `rules` is a bit mask of the base rules that it is for, `value` what is counted or summed.
    `told`: an alert's evidence names it. `held`: the window that ends here holds.
    `quiet`: that nothing followed for a whole window was found. Whole numbers stay whole.
    """

    time: int
    rules: int
    value: str | int | float | None
    ids: tuple[str, ...]
    seqs: tuple[int, ...]
    told: bool = False
    held: bool = False
    quiet: bool = False


class Walk(msgspec.Struct, tag=True):
    """Where a walk stands; `left` is the place of the first entry in the window."""

    left: int = 0

    def step(self, entries: Sequence[Entry], at: int, span: int) -> None:
        """Go on to the entry at that place, the one after the last."""
        oldest = entries[at].time - span
        self._enter(entries[at], oldest)
        while entries[self.left].time < oldest:
            self._leave(entries[self.left])
            self.left += 1

    def _enter(self, entry: Entry, oldest: int) -> None:
        """Take the entry in; what is before `oldest` counts no more."""

    def _leave(self, entry: Entry) -> None:
        """Let the entry go."""

    def value(self, at: int) -> float:
        """The number that the window holds, which ends at that place."""
        return at - self.left + 1

    def shown(self) -> list[Any]:
        """What stands behind the number: newest values first, or the times of the steps."""
        return []


class Count(Walk):
    """How many entries the window holds."""


class Distinct(Walk):
    """How many different values the window holds."""

    newest: dict[str, int] = {}
    """Time of each value in the window, the longest unseen first."""

    def _enter(self, entry: Entry, oldest: int) -> None:
        _renew(self.newest, str(entry.value), entry.time, oldest)

    def value(self, at: int) -> float:  # noqa: ARG002
        """The number of values."""
        return len(self.newest)

    def shown(self) -> list[Any]:
        """The newest values."""
        return list(islice(reversed(self.newest), MOST_SHOWN))


class Together(Walk):
    """Which rules the window has seen, as a bit mask."""

    newest: dict[int, int] = {}
    """Time of each rule in the window by its place, the longest unseen first."""

    def _enter(self, entry: Entry, oldest: int) -> None:
        for rule in places(entry.rules):
            _renew(self.newest, rule, entry.time, oldest)
        _drop(self.newest, oldest)

    def value(self, at: int) -> float:  # noqa: ARG002
        """The mask of the rules."""
        return sum(1 << rule for rule in self.newest)

    def shown(self) -> list[Any]:
        """The times at which each rule was seen last, in the order of the rules."""
        return [self.newest.get(rule) for rule in range(max(self.newest, default=-1) + 1)]


class Ordered(Walk):
    """How many of the rules were seen one after the other, within the window."""

    chains: list[list[int]] = []
    """Per number of rules the times of the chain of so many that began latest."""

    def _enter(self, entry: Entry, oldest: int) -> None:
        # From the last rule to the first, so that no event is two steps of one chain.
        for rule in reversed(places(entry.rules)):
            while len(self.chains) <= rule:
                self.chains.append([])
            before = self.chains[rule - 1] if rule else []
            if rule == 0 or (before and before[0] >= oldest):
                self.chains[rule] = [*before, entry.time]
        for rule, chain in enumerate(self.chains):
            if chain and chain[0] < oldest:
                self.chains[rule] = []

    def value(self, at: int) -> float:  # noqa: ARG002
        """The length of the longest chain from the first rule on."""
        return max((len(chain) for chain in self.chains), default=0)

    def shown(self) -> list[Any]:
        """The times of the steps."""
        longest: list[int] = max(self.chains, key=len, default=[])
        return list(longest)


class Sum(Walk):
    """The sum of the values in the window."""

    total: int | float = 0

    def _enter(self, entry: Entry, oldest: int) -> None:  # noqa: ARG002
        self.total += _number(entry)

    def _leave(self, entry: Entry) -> None:
        self.total -= _number(entry)

    def value(self, at: int) -> float:  # noqa: ARG002
        """The sum."""
        return self.total


class Average(Sum):
    """The mean of the values in the window."""

    def value(self, at: int) -> float:
        """The mean."""
        return self.total / (at - self.left + 1)


class Percentile(Walk):
    """A percentile of the values in the window, interpolated between the nearest two."""

    percent: int | float = 50
    ordered: list[int | float] = []

    def _enter(self, entry: Entry, oldest: int) -> None:  # noqa: ARG002
        insort(self.ordered, _number(entry))

    def _leave(self, entry: Entry) -> None:
        del self.ordered[bisect_left(self.ordered, _number(entry))]

    def value(self, at: int) -> float:  # noqa: ARG002
        """The percentile."""
        place = (len(self.ordered) - 1) * self.percent / 100
        low = int(place)
        high = min(low + 1, len(self.ordered) - 1)
        return self.ordered[low] + (self.ordered[high] - self.ordered[low]) * (place - low)


AnyWalk = Count | Distinct | Together | Ordered | Sum | Average | Percentile


@lru_cache(maxsize=4_096)
def places(rules: int) -> tuple[int, ...]:
    """The places of the rules in a mask, ascending.

    >>> places(0b101)
    (0, 2)
    """
    return tuple(place for place in range(rules.bit_length()) if rules >> place & 1)


def number_of(value: object) -> float | None:
    """A value as a number, whole ones exactly; null if it is none.

    >>> number_of(3), number_of("2.5"), number_of("3.0"), number_of("nan"), number_of("x")
    (3, 2.5, 3, None, None)
    """
    try:
        number = float(str(value))
    except ValueError:
        return None
    if not isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _renew(newest: dict[_Key, int], key: _Key, time: int, oldest: int) -> None:
    newest.pop(key, None)
    newest[key] = time
    _drop(newest, oldest)


def _drop(newest: dict[_Key, int], oldest: int) -> None:
    while newest:
        key = next(iter(newest))
        if newest[key] >= oldest:
            return
        del newest[key]


def _number(entry: Entry) -> float:
    assert isinstance(entry.value, int | float)
    return entry.value
