"""Stories: the `tests:` of rule files, small days of events and the alerts they must raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One event of a story. `use` names the rule it must match; without it `feed` is given.

    `fields` are raw or alias names of the feed with the value they must have.
    """

    at: timedelta
    feed: str
    use: str | None = None
    user: str | None = None
    from_place: str | None = None
    ip: str | None = None
    device: str | None = None
    session: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expect:
    """What a story must raise; null means that it does not matter."""

    alerts: int
    level: str | None = None
    because: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One test of one rule. `learned`: the people of the story are known to the engine.

    `look_alike`: what happens looks like what the rule is for, and is innocent.
    """

    rule_id: str
    name: str
    learned: bool
    events: tuple[StoryEvent, ...]
    expect: Expect
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    look_alike: bool = False
    line: int = 1
    """Where it begins in the rule's file."""
