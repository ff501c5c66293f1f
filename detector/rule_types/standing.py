"""Standing values: what an entity has shown, since when and how often; all of it bounded.

An attacker chooses values at will; beyond the bounds what was not seen for longest goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from detector.facts import FURTHER_DAYS
from detector.rule_types.base import Tail
from detector.rule_types.seen import LATE_US, TOLD_US
from detector.workhours import DAY_US

MOST_ENTITIES: Final = 50_000
MOST_VALUES: Final = 32
"""Of one entity: what shows more has no usual value."""


class Standing(msgspec.Struct, gc=False):
    """A value that an entity has shown. Times are microseconds of UTC."""

    first: int
    last: int
    count: int = 1
    days: int = 1
    """Days that brought a later sighting than all before, the first included."""
    told: int = 0
    """When a change to it was told, 0 if never: until it is accepted it is guarded."""

    def see(self, time: int) -> None:
        """It was shown at a time, perhaps a late one."""
        self.days += time // DAY_US > self.last // DAY_US
        self.count += 1
        self.first, self.last = min(time, self.first), max(time, self.last)

    def is_accepted(self, time: int, *, said: bool | None) -> bool:
        """Whether it is known at a time: nobody was told of it, or nobody minded (design 9, guard).

        `said` is whether a person called the change harmless, null if nobody said anything.
        """
        if not self.told or said is not None:
            return not self.told or bool(said)
        return time - self.told >= TOLD_US and self.days > FURTHER_DAYS


@dataclass(frozen=True, slots=True)
class Before:
    """A value that was known at a time, and when it was last seen until then."""

    value: str
    standing: Standing
    last: int


class StandingTail(Tail):
    """By entity the values that it has shown."""

    entities: dict[str, dict[str, Standing]] = {}

    def of(self, entity: str) -> dict[str, Standing]:
        """The values of an entity; the longest kept entity goes if there are too many."""
        known = self.entities.get(entity)
        if known is None:
            known = self.entities[entity] = {}
            if len(self.entities) > MOST_ENTITIES:
                del self.entities[next(iter(self.entities))]
        return known

    def forget(self, clock: int, remember_us: int) -> None:
        """Drop what was not seen for so long, and what has nothing left."""
        before = clock - remember_us - LATE_US
        for entity, known in list(self.entities.items()):
            for value in [value for value, each in known.items() if each.last < before]:
                del known[value]
            if not known:
                del self.entities[entity]


def begin(known: dict[str, Standing], value: str, standing: Standing) -> None:
    """Note a value that is new; the one that was not seen for longest goes if there are too many."""
    known.pop(value, None)
    if len(known) >= MOST_VALUES:
        del known[min(known, key=lambda each: (known[each].last, each))]
    known[value] = standing


def before(known: dict[str, Standing], value: str, time: int) -> list[Before]:
    """What else was known at a time: the one that stood then comes last."""
    found = [
        Before(other, each, min(each.last, time))
        for other, each in known.items()
        if other != value and each.first <= time
    ]
    return sorted(found, key=lambda each: (each.last, each.standing.count, each.value))
