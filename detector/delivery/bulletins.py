"""What a destination is handed: a bulletin about an incident, a digest of many, or a notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from detector.alerts import Alert
from detector.delivery.exposures import NOTHING, Rotation
from detector.delivery.incidents import Incident
from detector.delivery.journal import Change
from detector.findings import Level


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of delivery: the destination's own name for the message (Slack ts, Message-ID)."""

    message_id: str


class Kind(StrEnum):
    """How a bulletin appears, and whether it wants to be noticed."""

    NEW = "new"
    """A message of its own."""
    UPDATE = "update"
    """`head` is edited in place; notifies nobody."""
    NOTE = "note"
    """A quiet reply under `head`: what a person did."""
    ALARM = "alarm"
    """A loud reply under `head`: it got worse, is not looked at, or came back."""
    PICTURE = "picture"
    """The picture of the worst alert under `head`: by a destination that posts nothing else."""


class Cause(StrEnum):
    """Why something is sent: the named reason of a decision."""

    FIRST_TOLD = "first_told"
    LEVEL_RAISED = "level_raised"
    ANOTHER_ALERT = "another_alert"
    REPEATED = "repeated"
    AMENDED = "amended"
    STATE_CHANGED = "state_changed"
    SNOOZE_ENDED = "snooze_ended"
    SILENCE_ENDED = "silence_ended"
    MORE_EXPOSED = "more_exposed"
    """More secrets are in other hands than was told."""
    UNACKNOWLEDGED = "unacknowledged"
    ESCALATED = "escalated"
    FALLBACK = "fallback"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A message about one incident, as it stands at the moment of sending.

    `changes` are sentences: what is new since the last message there (they may hold words of
    events). `history` is what people and the service did, oldest first. `coverage` says how
    complete the feeds were. `head` is the incident's message at this destination, to be edited
    or replied to; null for the first. `mentions` come from the configuration. `delayed` is how
    much later than wanted it is sent. `rotation` is what to rotate, as far as a message shows it.
    `newest` is the alert that a message about another alert is there for.
    """

    kind: Kind
    cause: Cause
    incident: Incident
    changes: tuple[str, ...] = ()
    history: tuple[Change, ...] = ()
    coverage: str = ""
    head: Receipt | None = None
    mentions: tuple[str, ...] = ()
    delayed: timedelta | None = None
    rotation: Rotation = NOTHING
    newest: Alert | None = None

    @property
    def speaker(self) -> Alert:
        """The alert whose words and facts the message shows: the newest if it is for that, else the worst."""
        shows_newest = self.kind is Kind.ALARM and self.cause is Cause.ANOTHER_ALERT
        return self.newest if self.newest and shows_newest else self.incident.worst


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a digest: lines of literal text, which may hold words of events."""

    title: str
    lines: tuple[str, ...]


class DigestKind(StrEnum):
    """Why many alerts stand in one message."""

    DAILY = "daily"
    WEEKLY = "weekly"
    FLOOD = "flood"
    LATE = "late"
    """Found after a time in which the feeds could not be read."""
    CATCH_UP = "catch_up"
    """Could not be sent while the destination was away."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Many alerts in one message; `vaultwatch alerts list --digest ID` lists every one of them.

    `head` is the earlier form of the same digest at this destination, to be edited.
    """

    id: str
    kind: DigestKind
    title: str
    summary: str
    sections: tuple[Section, ...]
    since: datetime
    until: datetime
    level: Level = Level.LOW
    head: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A word of the service itself: a silence began or ended, a destination is down."""

    id: str
    title: str
    lines: tuple[str, ...]
    at: datetime
    level: Level = Level.LOW


Message: TypeAlias = Bulletin | Digest | Notice
