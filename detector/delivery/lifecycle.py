"""The life of an alert: what each verb makes of it, and who said so."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from detector.alerts import Status
from detector.delivery.bulletins import Cause
from detector.delivery.commands import Command, Refused, Verb
from detector.delivery.incidents import CLOSED
from detector.delivery.journal import Change, How

STATUS: Final = {
    Verb.ACK: Status.ACKNOWLEDGED,
    Verb.SNOOZE: Status.SNOOZED,
    Verb.RESOLVE: Status.RESOLVED,
    Verb.FALSE_POSITIVE: Status.FALSE_POSITIVE,
    Verb.BENIGN: Status.BENIGN,
}
"""What a verb makes of an alert."""
JUDGED: Final = frozenset({Status.RESOLVED, Status.FALSE_POSITIVE, Status.BENIGN})
"""What only a person says; the engine is told, and the alert takes no more findings."""
HARMLESS: Final = frozenset({Status.FALSE_POSITIVE, Status.BENIGN})
"""Verdicts after which the engine may learn from what it saw."""
LONGEST_NOTE: Final = 500


def change(status: Status, command: Command, alert_id: str, now: datetime) -> Change | None:
    """What a command makes of one alert of that status; null if it is so already.

    Raises Refused.
    """
    new = STATUS[command.verb]
    if new is Status.SNOOZED:
        _future(command, now)
    elif new is Status.ACKNOWLEDGED and status in CLOSED - {Status.SILENCED}:
        raise Refused(f"{alert_id}: is {status} already; there is nothing to acknowledge")
    if new is status and new is not Status.SNOOZED:
        return None
    return Change(now, alert_id, new, command.who, command.how, note(command))


def note(command: Command) -> str:
    """The note of a command on one line, with the time of a snooze before it."""
    said = " ".join(command.note.split())[:LONGEST_NOTE]
    if command.verb is Verb.SNOOZE and command.until is not None:
        return f"until {command.until:%Y-%m-%d %H:%M} UTC {said}".rstrip()
    return said


def _future(command: Command, now: datetime) -> None:
    if command.until is None or command.until <= now:
        raise Refused("snooze: say until when, later than now, as in --for 4h")


def woken(status: Status, cause: Cause) -> str:
    """Why the service opens an alert again before anything is decided; empty if it does not."""
    if cause is Cause.SNOOZE_ENDED and status is Status.SNOOZED:
        return "the snooze is over"
    if cause is Cause.SILENCE_ENDED and status is Status.SILENCED:
        return "the silence is over"
    if status is Status.EXPIRED and cause not in {Cause.UNACKNOWLEDGED, Cause.ESCALATED}:
        return "there is new evidence"
    return ""


def reopened(status: Status, *, told: bool, silenced: bool) -> str:
    """Why the service opens an alert again after a decision; empty if it does not.

    `told`: people are told now; `silenced`: a silence holds it back.
    """
    if status is Status.SILENCED and not silenced:
        return "no silence holds it back any more"
    if told and status is not Status.OPEN:
        return "it got worse"
    return ""


def by_service(now: datetime, alert_id: str, status: Status, why: str) -> Change:
    """A change that nobody asked for."""
    return Change(now, alert_id, status, "vaultwatch", How.SERVICE, why)
