"""The keyed state of a correlation: the entries of each group, oldest first, and no more than fit.

An entry is kept for its window and for the time in which a late event may still join it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import attrgetter
from typing import Final

import msgspec

from detector.correlations.walks import AnyWalk, Entry
from detector.findings import Subject
from detector.observations import LATEST_US
from detector.rule_types.base import Tail

MOST_ENTRIES: Final = 5_000
"""Entries of one group, unless the rule itself counts further."""
MOST_GROUPS: Final = 20_000
"""Groups of one rule; beyond that the one that was quiet for longest goes."""
MOST_KEPT: Final = 200_000
"""Entries of all groups of one rule."""

FORGET_DAYS: Final = 4
"""What is too old stays for up to so many days more: to go through all groups each day is dear."""

_time = attrgetter("time")


class Group(msgspec.Struct):
    """The entries of one group by time (ties by arrival), and how far they are judged."""

    key: tuple[str, ...]
    walk: AnyWalk
    subject: Subject
    entries: list[Entry] = []
    judged: int = 0
    """How many of the entries are judged."""
    asleep: bool = False
    """Whether the walk stands still: no window since then could hold."""
    rules: int = -1
    """Mask of the rules that its entries were for; all of them where it is not known."""

    def place_of(self, time: int) -> int:
        """Where an entry of that time comes to stand, behind its equals."""
        if not self.entries or self.entries[-1].time <= time:
            return len(self.entries)
        return bisect_right(self.entries, time, key=_time)

    def first_since(self, time: int) -> int:
        """The place of the first entry not before that time."""
        return bisect_left(self.entries, time, key=_time)


class CorrelationTail(Tail):
    """Groups by key, the quietest first, and what did not fit (counts since the beginning)."""

    groups: dict[str, Group] = {}
    kept: int = 0
    ungrouped: int = 0
    """Events that lack a field by which they are grouped."""
    valueless: int = 0
    """Events that lack the value that is counted or summed."""
    crowded: int = 0
    """Entries that went before their time because there were too many."""

    def touch(self, key: str, group: Group) -> None:
        """Note that the group has just got an entry; the quietest go if there are too many."""
        self.groups.pop(key, None)
        self.groups[key] = group
        if len(self.groups) > MOST_GROUPS or self.kept > MOST_KEPT:
            self._make_room()

    def _make_room(self) -> None:
        while len(self.groups) > MOST_GROUPS or (self.kept > MOST_KEPT and len(self.groups) > 1):
            quietest = next(iter(self.groups))
            lost = len(self.groups.pop(quietest).entries)
            self.kept -= lost
            self.crowded += lost

    def forget(self, before: int) -> None:
        """Drop the entries before that time, and groups that have none left."""
        for key, group in list(self.groups.items()):
            if group.entries[0].time < before:
                self.trim(group, group.first_since(before))
            if not group.entries:
                del self.groups[key]

    def trim(self, group: Group, count: int) -> None:
        """Drop the oldest entries of a group, which no window needs any more."""
        del group.entries[:count]
        group.walk.left = max(0, group.walk.left - count)
        group.judged = max(0, group.judged - count)
        self.kept -= count


def reach_us(span: int) -> int:
    """How long an entry may matter: for its window, and for late events before and after it."""
    return span + LATEST_US
