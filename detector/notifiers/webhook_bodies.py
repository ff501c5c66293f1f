"""A message as JSON: our own form, and PagerDuty's. Values stay values, nothing becomes markup."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from detector.alerts import Status, to_json
from detector.delivery.bulletins import Bulletin, Digest, DigestKind, Kind, Message, Notice
from detector.delivery.exposures import Rotation
from detector.delivery.incidents import CLOSED, Incident
from detector.findings import Level
from detector.rendering import sentence
from detector.rendering.text import clean, shorten

MOST_ALERTS: Final = 20
MOST_SUMMARY: Final = 1_024
SEVERITIES: Final = {
    Level.INFORMATIONAL: "info",
    Level.LOW: "info",
    Level.MEDIUM: "warning",
    Level.HIGH: "error",
    Level.CRITICAL: "critical",
}
"""PagerDuty's words for our levels."""

Body = dict[str, Any]


def message_body(message: Message, key: str) -> Body:
    """The whole message; `type` says what it is, as `incident.new` or `digest.daily`."""
    if isinstance(message, Bulletin):
        return {"type": f"incident.{message.kind}", "id": key, **_bulletin(message)}
    if isinstance(message, Notice):
        return {
            "type": "notice",
            "id": key,
            "title": message.title,
            "lines": message.lines,
            "level": message.level,
            "at": _time(message.at),
        }
    return {
        "type": f"digest.{message.kind}",
        "id": key,
        "title": message.title,
        "summary": message.summary,
        "sections": [asdict(section) for section in message.sections],
        "level": message.level,
        "since": _time(message.since),
        "until": _time(message.until),
    }


def pagerduty_event(message: Message) -> Body | None:
    """The event without its routing key; null for what is not PagerDuty's business."""
    if isinstance(message, Bulletin):
        if message.kind is Kind.NOTE:
            return None
        told = message.incident
        details = {
            "changes": message.changes,
            "why": told.worst.why,
            "steps": told.worst.runbook,
            "rotate": [each.text for each in message.rotation.entries],
        }
        action = _action(told)
        return {
            "event_action": action,
            "dedup_key": told.id,
            **_payload(sentence(told.worst), told.level, told.account, told.time, details),
        }
    if isinstance(message, Digest) and message.kind in {DigestKind.DAILY, DigestKind.WEEKLY}:
        return None
    if isinstance(message, Notice) and message.level.rank < Level.MEDIUM.rank:
        return None
    when = message.at if isinstance(message, Notice) else message.until
    return {
        "event_action": "trigger",
        "dedup_key": message.id,
        **_payload(message.title, message.level, "vaultwatch", when, {}),
    }


def _bulletin(message: Bulletin) -> Body:
    told = message.incident
    return {
        "cause": message.cause,
        "incident": {
            "id": told.id,
            "account": told.account,
            "level": told.level,
            "status": told.status,
            "subject": asdict(told.subject),
            "summary": told.worst.summary,
            "first_time": _time(told.first_time),
            "time": _time(told.time),
            "events": told.count,
            "alerts": [to_json(each) for each in told.alerts[:MOST_ALERTS]],
        },
        "rotate": _rotate(message.rotation),
        "changes": message.changes,
        "history": [asdict(each) | {"at": _time(each.at)} for each in message.history],
        "coverage": message.coverage,
    }


def _rotate(found: Rotation) -> Body:
    """What to rotate, by id: the first of them, and how many there are in all."""
    return {
        "vaults": found.vaults,
        "items": found.items,
        "elsewhere": found.elsewhere,
        "since": _time(found.since) if found.since else None,
        "first": [
            asdict(each) | {"first": _time(each.first), "last": _time(each.last)}
            for each in found.entries
        ],
    }


def _action(told: Incident) -> str:
    if told.status in CLOSED:
        return "resolve"
    return "acknowledge" if told.status is Status.ACKNOWLEDGED else "trigger"


def _payload(summary: str, level: Level, source: str, when: datetime, details: Body) -> Body:
    payload = {
        "summary": shorten(clean(summary), MOST_SUMMARY),
        "severity": SEVERITIES[level],
        "source": clean(source) or "vaultwatch",
        "timestamp": _time(when),
        "custom_details": details,
    }
    return {"client": "Vaultwatch", "payload": payload}


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
