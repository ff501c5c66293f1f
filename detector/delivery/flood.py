"""Flood protection: the worst go out alone, one of each rule first; the rest in one message."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from detector.alerts import Alert
from detector.delivery.bulletins import Cause
from detector.delivery.orders import Flood, Route
from detector.findings import Level

SOONEST: Final = timedelta(minutes=1)
LATEST: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Tell:
    """An alert that people are to be told of, and why; `changes` are the sentences to say."""

    incident_id: str
    alert: Alert
    cause: Cause
    route: Route
    changes: tuple[str, ...] = ()

    @property
    def is_high(self) -> bool:
        """Whether it counts among the high ones."""
        return self.alert.level.rank >= Level.HIGH.rank


@dataclass(frozen=True, slots=True)
class Room:
    """How many loud messages may still go out now."""

    high: int
    other: int


def room(flood: Flood, sent_high: int, sent_other: int) -> Room:
    """What is left of the caps after what went out within their time."""
    return Room(max(0, flood.high - sent_high), max(0, flood.other - sent_other))


def parted(tells: Sequence[Tell], left: Room) -> tuple[list[list[Tell]], list[list[Tell]]]:
    """By incident, the worst first: what is told alone, and what is told in one message."""
    groups: dict[str, list[Tell]] = defaultdict(list)
    for each in sorted(tells, key=lambda each: (-each.alert.level.rank, -each.alert.score)):
        groups[each.incident_id].append(each)
    alone, together = list[list[Tell]](), list[list[Tell]]()
    high, other = left.high, left.other
    for group in _varied(list(groups.values())):
        if group[0].is_high and high > 0:
            high -= 1
            alone.append(group)
        elif not group[0].is_high and other > 0:
            other -= 1
            alone.append(group)
        else:
            together.append(group)
    return alone, together


def _varied(groups: list[list[Tell]]) -> list[list[Tell]]:
    """The worst level first; within it the first of every rule before the second of any."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for place, group in enumerate(groups):
        alert = group[0].alert
        turn = seen[alert.level, alert.rule.id]
        seen[alert.level, alert.rule.id] += 1
        ranked.append((-alert.level.rank, turn, place, group))
    return [group for *_, group in sorted(ranked, key=lambda each: each[:3])]


def edit_after(age: timedelta) -> timedelta:
    """How long repeats gather before a message is edited; the older, the longer."""
    return min(LATEST, max(SOONEST, age / 10))
