"""A finding: what one rule saw, with its evidence. Findings become alerts in `triage`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

_T = TypeVar("_T")


class Level(StrEnum):
    """How bad the consequence is; the order of the members is the order of levels."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for informational to 4 for critical."""
        return _RANKS[self]

    def raised(self, steps: int) -> Level:
        """The level `steps` higher (lower if negative), kept inside the scale."""
        return LEVELS[max(0, min(len(LEVELS) - 1, self.rank + steps))]


LEVELS = tuple(Level)
_RANKS = {level: rank for rank, level in enumerate(LEVELS)}


class SubjectType(StrEnum):
    """Kinds of things an alert can be about."""

    PERSON = "person"
    SERVICE_ACCOUNT = "service_account"
    IP = "ip"
    SESSION = "session"
    DEVICE = "device"
    VAULT = "vault"
    GROUP = "group"
    ACCOUNT = "account"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who or what an alert is about. `email` and `name` are null unless it is a user."""

    type: SubjectType
    id: str
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule saw at one event.

    `seq` is the place in the log at which it was seen; `event_ids` and `event_seqs` name
    the evidence, newest last. `rarity` in [0, 1) orders findings of one level.
    `suppressed_by` is the rung that holds it back, `margin` by how much in the rung's unit.
    """

    rule_id: str
    level: Level
    rarity: float
    subject: Subject
    time: datetime
    first_time: datetime
    seq: int
    event_ids: tuple[str, ...]
    event_seqs: tuple[int, ...]
    evidence: dict[str, Any] = field(default_factory=dict)
    suppressed_by: str | None = None
    margin: float | None = None
    session: str | None = None
    """Session by which a later event may amend the alert."""
    amends: bool = False
    """Whether it sets the level of the session's open alert, even to a lower one."""
    count: int | None = None
    """How many events the evidence has, where it has more than are named."""
    news: int | None = None
    """How many events, the last of the evidence, no finding before named; null: all."""

    @property
    def fresh_ids(self) -> tuple[str, ...]:
        """The ids of the events that no finding before named."""
        return self._fresh(self.event_ids)

    @property
    def fresh_seqs(self) -> tuple[int, ...]:
        """Their places in the log."""
        return self._fresh(self.event_seqs)

    def _fresh(self, named: tuple[_T, ...]) -> tuple[_T, ...]:
        return named if self.news is None else named[len(named) - min(self.news, len(named)) :]
