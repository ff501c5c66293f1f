"""What changed, in one sentence each: said in messages and kept with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detector.delivery.bulletins import Cause
from detector.delivery.commands import Command, Verb
from detector.delivery.policy import Case, Decision, Hold, Verdict

VERDICTS: Final = {
    Verdict.TELL: "told",
    Verdict.EDIT: "message edited",
    Verdict.HOLD: "waits",
    Verdict.DIGEST: "left to the digest",
    Verdict.RECORD: "only recorded",
}
"""What was done about an alert."""
REASONS: Final[Mapping[Cause | Hold, str]] = {
    Cause.FIRST_TOLD: "nobody had heard of it",
    Cause.LEVEL_RAISED: "its level is higher than was told",
    Cause.ANOTHER_ALERT: "another alert joined its incident",
    Cause.REPEATED: "it happened again",
    Cause.AMENDED: "later events changed it",
    Cause.STATE_CHANGED: "somebody said something about it",
    Cause.SNOOZE_ENDED: "its snooze is over",
    Cause.SILENCE_ENDED: "the silence that held it back is over",
    Cause.MORE_EXPOSED: "more secrets were taken than was told",
    Cause.UNACKNOWLEDGED: "nobody has acknowledged it yet",
    Cause.ESCALATED: "nobody has acknowledged it, so others hear of it",
    Cause.FALLBACK: "the destination that it was meant for is away",
    Cause.RECOVERED: "it is over by itself",
    Hold.SILENCED: "a silence holds it back",
    Hold.INHIBITED: "another alert about the same says it already",
    Hold.SNOOZED: "somebody snoozed it",
    Hold.ACKNOWLEDGED: "somebody has acknowledged it",
    Hold.CLOSED: "it is closed",
    Hold.ON_TRIAL: "its rule is on trial",
    Hold.DIGEST_ONLY: "its level is for the digest only",
    Hold.NO_ROUTE: "no route sends it anywhere",
    Hold.QUIET_HOURS: "these are quiet hours",
    Hold.GROUPING: "others like it may follow within seconds, and are told with it",
    Hold.NOT_TOLD_YET: "its first message has not gone out yet",
    Hold.CATCHING_UP: "it comes of a long outage, which is told as one digest",
    Hold.FLOOD: "too many alerts came at once, and one message lists them",
}
"""Why: one sentence for each named reason of a decision."""
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


def verdict(name: str) -> str:
    """What was decided, as the store has it, in words."""
    return VERDICTS[Verdict(name)]


def reason(name: str) -> str:
    """The named reason of a decision, as the store has it, in words.

    >>> reason("quiet_hours"), reason("first_told")
    ('these are quiet hours', 'nobody had heard of it')
    """
    known: dict[str, str] = {each.value: said for each, said in REASONS.items()}
    return known[name]


def done(command: Command) -> str:
    """What somebody did."""
    until = f" until {command.until:%Y-%m-%d %H:%M} UTC" if command.verb is Verb.SNOOZE else ""
    note = " ".join(command.note.split())
    return f"{command.who} {_DONE[command.verb]}{until}" + (f": {note}" if note else "")
