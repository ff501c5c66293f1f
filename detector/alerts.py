"""An alert: what a person is told. One JSON object, the contract of design.md 6.2."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from detector.findings import Level, Subject, SubjectType


class Status(StrEnum):
    """Where an alert is in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"
    BENIGN = "benign"
    SNOOZED = "snoozed"
    SILENCED = "silenced"
    EXPIRED = "expired"


class Reason(StrEnum):
    """Why an alert was raised or changed: the verdict of triage, never a boolean."""

    FIRST_SEEN = "first_seen"
    LEVEL_RAISED = "level_raised"
    STILL_HAPPENING = "still_happening"
    AMENDED = "amended"
    SUPPRESSED = "suppressed"
    RECOVERED = "recovered"
    """Of the engine's own alerts: the trouble is over."""


@dataclass(frozen=True, slots=True)
class RuleRef:
    """The rule behind an alert."""

    id: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. Times are UTC; `time` is that of the newest evidence.

    `event_ids` holds at most 100 ids, `count` says how many events there were.
    `why` are sentences for and against. `score` is 0-100: the level's band of 20 plus
    rarity within it, so that score and level never contradict each other.
    """

    id: str
    rule: RuleRef
    level: Level
    score: int
    status: Status
    reason: Reason
    subject: Subject
    time: datetime
    first_time: datetime
    detected_at: datetime
    event_ids: tuple[str, ...]
    count: int
    summary: str
    evidence: dict[str, Any]
    why: tuple[str, ...]
    suppressed_by: str | None
    incident_id: str | None
    tags: tuple[str, ...]
    account: str
    runbook: tuple[str, ...] = field(default=())
    """What to do next, as steps."""


def alert_id(rule_id: str, subject: Subject, event_ids: tuple[str, ...]) -> str:
    """Name an alert by rule, subject and opening evidence: 26 characters of base32.

    Lower-case base32 of a SHA-256 over rule id, subject and the sorted event ids.
    """
    text = "\x1f".join((rule_id, subject.type, subject.id, *sorted(event_ids)))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:26]


def to_json(alert: Alert) -> dict[str, Any]:
    """The alert as the JSON object of the contract; times in RFC 3339 with `Z`."""
    fields = asdict(alert)
    for name in ("time", "first_time", "detected_at"):
        fields[name] = fields[name].isoformat().replace("+00:00", "Z")
    return fields


def from_json(fields: dict[str, Any]) -> Alert:
    """Read back what `to_json` wrote."""
    times = {
        name: datetime.fromisoformat(fields[name]) for name in ("time", "first_time", "detected_at")
    }
    subject = fields["subject"] | {"type": SubjectType(fields["subject"]["type"])}
    return Alert(
        **(
            fields
            | times
            | {
                "rule": RuleRef(**fields["rule"]),
                "subject": Subject(**subject),
                "level": Level(fields["level"]),
                "status": Status(fields["status"]),
                "reason": Reason(fields["reason"]),
                "event_ids": tuple(fields["event_ids"]),
                "why": tuple(fields["why"]),
                "tags": tuple(fields["tags"]),
                "runbook": tuple(fields.get("runbook", ())),
            }
        )
    )
