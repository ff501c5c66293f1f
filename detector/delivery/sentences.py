"""What changed, in one sentence each: said in messages and kept with them."""

from __future__ import annotations

from detector.delivery.bulletins import Cause
from detector.delivery.commands import Command, Verb
from detector.delivery.policy import Case, Decision

_DONE = {
    Verb.ACK: "acknowledged it",
    Verb.SNOOZE: "snoozed it",
    Verb.RESOLVE: "resolved it",
    Verb.FALSE_POSITIVE: "called it a false positive",
    Verb.BENIGN: "called it benign",
}


def changed(case: Case, decision: Decision) -> tuple[str, ...]:
    """What a decision to send or to edit has to say beside the alert itself."""
    alert, level = case.alert, case.alert.level
    said = {
        Cause.LEVEL_RAISED: f"Level raised to {level}: {alert.summary}",
        Cause.ANOTHER_ALERT: f"Another alert ({level}): {alert.summary}",
        Cause.REPEATED: f"{alert.count:,} events by now, the newest at {alert.time:%H:%M} UTC",
        Cause.AMENDED: f"Amended, {level} now: {alert.summary}",
        Cause.RECOVERED: alert.summary,
        Cause.SNOOZE_ENDED: "The snooze is over",
        Cause.SILENCE_ENDED: "The silence that held it back is over",
        Cause.UNACKNOWLEDGED: "Nobody has acknowledged it yet",
        Cause.ESCALATED: "Nobody has acknowledged it, so it is told here too",
    }.get(decision.reason if isinstance(decision.reason, Cause) else case.cause, "")
    beside = decision.detail.capitalize() if decision.detail.startswith("although") else ""
    return tuple(each for each in (said, beside) if each)


def done(command: Command) -> str:
    """What somebody did."""
    until = f" until {command.until:%Y-%m-%d %H:%M} UTC" if command.verb is Verb.SNOOZE else ""
    note = " ".join(command.note.split())
    return f"{command.who} {_DONE[command.verb]}{until}" + (f": {note}" if note else "")
