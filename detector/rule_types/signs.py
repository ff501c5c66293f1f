"""What findings add up to: signs in the risk of one entity, which fade with event time.

A finding is worth its points, and half of them are gone after every half-life. Of one rule the
sign that is heaviest counts in full, and each further one `again` times as much as the one before it,
so that no noisy rule carries a sum alone. (Elastic's entity risk scores also sum alerts with falling
weights, the heaviest first, and leave closed ones out: docs-content, `entity-risk-scoring.md`.)
The sum depends on the signs and the time alone, never on the order in which they came.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

import msgspec

from detector.findings import Subject
from detector.rule_types.base import Tail
from detector.workhours import HOUR_US

HALF_LIVES: Final = 10
"""A sign counts for so many half-lives; then it is below a thousandth of its points."""
MOST_OF_RULE: Final = 16
"""Signs of one rule in one entity; the lightest goes. At `again: 0.5` the 17th is worth 2^-16."""
MOST_SIGNS: Final = 256
"""Signs of one entity; the lightest goes."""
MOST_ENTITIES: Final = 20_000
"""Entities of one rule; beyond that the one that was quiet for longest goes."""
MOST_NAMED: Final = 5
"""Events of one finding that are remembered, the newest."""


class Sign(msgspec.Struct):
    """One finding as it counts. `time` in microseconds of UTC, `points` when it was new.

    `alert` is the alert that took the finding, and `told` its level's rank if that woke somebody, else -1.
    `ids` and `seqs` name its newest events.
    """

    time: int
    points: float
    level: str
    tactic: str | None
    ids: tuple[str, ...]
    seqs: tuple[int, ...]
    alert: str
    told: int
    session: str | None


class Alarm(msgspec.Struct):
    """That the sum was enough: the time of the newest finding about that, and the highest rank told."""

    time: int
    rank: int


class Entity(msgspec.Struct):
    """The signs of one entity by the id of the rule that found something.

    `alarm` is what was told of its risk, null while there is nothing to say; `alert` the id of the alert
    that tells it.
    """

    subject: Subject
    signs: dict[str, list[Sign]] = {}
    alarm: Alarm | None = None
    alert: str | None = None

    def every(self) -> Iterator[tuple[str, Sign]]:
        """All signs with their rule's id."""
        for rule, signs in self.signs.items():
            for sign in signs:
                yield rule, sign

    def drop(self, goes: Callable[[str, Sign], bool]) -> int:
        """Drop the signs that are said to go; how many did."""
        before = sum(map(len, self.signs.values()))
        left = {
            rule: [sign for sign in signs if not goes(rule, sign)]
            for rule, signs in self.signs.items()
        }
        self.signs = {rule: signs for rule, signs in left.items() if signs}
        return before - sum(map(len, self.signs.values()))


class RiskTail(Tail):
    """Entities by id, the quietest first. `crowded` counts those that went before their time."""

    entities: dict[str, Entity] = {}
    crowded: int = 0

    def touch(self, subject: Subject) -> Entity:
        """The entity of a subject, as the newest; the quietest goes if there are too many."""
        entity = self.entities.pop(subject.id, None) or Entity(subject)
        if subject.email or subject.name:
            entity.subject = subject
        self.entities[subject.id] = entity
        if len(self.entities) > MOST_ENTITIES:
            del self.entities[next(iter(self.entities))]
            self.crowded += 1
        return entity


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule adds to a sum: points now, of how many findings, and the newest of them."""

    points: float
    count: int
    newest: Sign


@dataclass(frozen=True)
class Sum:
    """What the signs of an entity add up to at one time, by the rule's id."""

    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """Points of all rules; exact to the last bit, whatever the order of the rules."""
        return math.fsum(part.points for part in self.parts.values())

    def rules(self, least: float) -> set[str]:
        """The rules that add `least` points or more."""
        return {rule for rule, part in self.parts.items() if part.points >= least}

    def tactics(self, least: float) -> set[str]:
        """The tactics of those rules."""
        parts = (self.parts[rule] for rule in self.rules(least))
        return {part.newest.tactic for part in parts if part.newest.tactic is not None}


@dataclass(frozen=True, slots=True)
class Fading:
    """How signs fade (half-life in microseconds), and how much less a rule's next one counts."""

    half_life: int
    again: float

    @property
    def horizon(self) -> int:
        """How long a sign counts, in microseconds."""
        return HALF_LIVES * self.half_life

    def points(self, sign: Sign, time: int) -> float:
        """What is left of a sign at a time; nothing before it and beyond the horizon."""
        age = time - sign.time
        if not 0 <= age <= self.horizon:
            return 0.0
        return sign.points * math.pow(2.0, -age / self.half_life)

    def sum(self, entity: Entity, time: int, counts: Callable[[Sign], bool] | None = None) -> Sum:
        """What the signs add up to at a time, or those of them that count."""
        parts = {}
        for rule, signs in entity.signs.items():
            here = [
                (points, sign)
                for sign in signs
                if (counts is None or counts(sign)) and (points := self.points(sign, time)) > 0
            ]
            if here:
                parts[rule] = self._part(here)
        return Sum(parts)

    def _part(self, here: list[tuple[float, Sign]]) -> Part:
        heaviest = sorted((points for points, _ in here), reverse=True)
        points = math.fsum(each * self.again**place for place, each in enumerate(heaviest))
        newest = max((sign for _, sign in here), key=attrgetter("time", "seqs", "ids"))
        return Part(points, len(here), newest)

    def add(self, entity: Entity, rule: str, sign: Sign) -> None:
        """Give the entity a sign of a rule; the lightest goes if there are too many."""
        mine = entity.signs.setdefault(rule, [])
        mine.append(sign)
        if len(mine) > MOST_OF_RULE:
            mine.remove(self._lightest(mine))
        if sum(map(len, entity.signs.values())) > MOST_SIGNS:
            lightest = self._lightest([each for _, each in entity.every()])
            entity.drop(lambda _, each: each is lightest)

    def _lightest(self, signs: list[Sign]) -> Sign:
        newest = max(each.time for each in signs)
        return min(signs, key=lambda each: (self._lasting(each, newest), each.time, each.seqs))

    def _lasting(self, sign: Sign, newest: int) -> float:
        """A sign's weight as a logarithm, so that what is very old is still told apart."""
        points = math.log2(sign.points) if sign.points > 0 else -math.inf
        return points - (newest - sign.time) / self.half_life


def events(signs: Iterable[Sign], most: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The ids and places in the log of the signs' events, each once, at most so many, newest last."""
    named: dict[str, int] = {}
    for sign in sorted(signs, key=attrgetter("time", "seqs", "ids")):
        for identity, seq in zip(sign.ids, sign.seqs, strict=True):
            named.pop(identity, None)
            named[identity] = seq
    return tuple(named)[-most:], tuple(named.values())[-most:]


def half_life_us(text: str) -> int:
    """A half-life as rules write it, in microseconds.

    >>> half_life_us("2d") // HOUR_US, half_life_us("36h") // HOUR_US
    (48, 36)
    """
    return int(text[:-1]) * HOUR_US * (24 if text.endswith("d") else 1)
