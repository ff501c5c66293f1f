"""An explanation: the verdict of one rule on one event, and every step that led to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from detector.findings import Level


class Verdict(StrEnum):
    """What one rule made of one event."""

    OPENED = "opened an alert"
    JOINED = "was taken into an alert that was open"
    RAISED = "raised the level of an alert that was open"
    AMENDED = "set an open alert right"
    HELD_BACK = "was held back"
    TAUGHT = "only taught"
    BLOCK = "was noted for other rules"
    COUNTED = "counted, and was not enough"
    USUAL = "was looked at, and is usual"
    UNCONCERNED = "is not what the rule looks at"
    LATE = "came too late or from the future"
    DOUBLE = "was known already"


@dataclass(frozen=True, slots=True)
class Line:
    """One question and its answer; `holds` is null for what only informs.

    `gap` says by how much, in `unit`: below 0 it fell short by so much.
    """

    holds: bool | None
    text: str
    depth: int = 0
    gap: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the explanation under a heading.

    Where it `weighs`, a line that holds speaks for an alert and one that does not against it.
    """

    title: str
    lines: tuple[Line, ...]
    weighs: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """The rule that was asked."""

    id: str
    name: str
    title: str
    level: Level


@dataclass(frozen=True, slots=True)
class Event:
    """The event in a few words. `who` and `what` are what somebody wrote into it."""

    id: str
    feed: str
    time: datetime
    who: str
    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict of a rule on an event, the sentence that says why, and the steps to it.

    `rung` and `margin` say what held a finding back and by how much, in `unit`; `alert` is the id
    of the alert that the event opened or joined.
    """

    rule: Told
    event: Event
    verdict: Verdict
    because: str
    parts: tuple[Part, ...] = field(default=())
    rung: str | None = None
    margin: float | None = None
    unit: str = ""
    alert: str | None = None
    summary: str | None = None
