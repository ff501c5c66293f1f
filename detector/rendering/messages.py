"""What a template may speak of in a whole message: an incident with its state, or a list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from detector.alerts import Alert, Status
from detector.delivery.bulletins import Bulletin, Cause, Digest, Kind, Notice, Section
from detector.delivery.digests import plural
from detector.delivery.exposures import LOOK_UP, Rotation
from detector.delivery.incidents import CLOSED, Incident, incident, incident_id
from detector.delivery.journal import Change
from detector.rendering.text import Ready
from detector.rendering.view import COLOURS, MARKS, events, span, utc, view

MOST_OTHERS: Final = 6
MOST_HISTORY: Final = 8
MOST_LINES: Final = 15

CAUSES: Final = {
    Cause.LEVEL_RAISED: "level raised",
    Cause.ANOTHER_ALERT: "another alert",
    Cause.REPEATED: "still happening",
    Cause.AMENDED: "amended",
    Cause.SNOOZE_ENDED: "snooze ended",
    Cause.SILENCE_ENDED: "silence ended",
    Cause.MORE_EXPOSED: "more secrets were taken",
    Cause.UNACKNOWLEDGED: "not acknowledged yet",
    Cause.ESCALATED: "escalated: nobody has acknowledged it",
    Cause.FALLBACK: "sent here because another destination is down",
}
"""What a message says about why it is sent, where it is not the first."""

STATES: Final = {
    Status.ACKNOWLEDGED: "acknowledged",
    Status.RESOLVED: "resolved",
    Status.FALSE_POSITIVE: "false positive",
    Status.BENIGN: "benign",
    Status.SNOOZED: "snoozed",
    Status.SILENCED: "silenced",
    Status.EXPIRED: "closed: nothing more happened",
}
"""What became of an incident, in words; nothing for an open one."""

_MENTION: Final = re.compile(r"<(?:@[UW][A-Z0-9]{2,20}|!subteam\^S[A-Z0-9]{2,20}|!here|!channel)>")


@dataclass(frozen=True, slots=True)
class Other:
    """One more alert of an incident, in short."""

    level: str
    mark: str
    summary: str
    when: str
    state: str


def alone(alert: Alert) -> Bulletin:
    """The first message about an alert that stands alone."""
    return Bulletin(Kind.NEW, Cause.FIRST_TOLD, incident(incident_id(alert), [alert]))


def incident_view(bulletin: Bulletin, *, buttons: bool = False) -> dict[str, Any]:
    """The names for a message about an incident. `buttons`: whether somebody hears them."""
    told, speaker = bulletin.incident, bulletin.speaker
    delay = span(bulletin.delayed) if bulletin.delayed else ""
    level = told.level if speaker is told.worst else speaker.level
    return view(speaker) | {
        "incident": told,
        "level": level.capitalize(),
        "mark": "✔" if told.status in CLOSED else MARKS[level],
        "colour": COLOURS[level],
        "state": STATES.get(told.status, ""),
        "is_open": told.status not in CLOSED,
        "is_new": told.status is Status.OPEN,
        "buttons": buttons and told.status not in CLOSED,
        "update": "" if told.status in CLOSED else CAUSES.get(bulletin.cause, ""),
        "events": events(told.count, told.first_time, told.time),
        "others": _others(told, speaker),
        "rotate": tuple(each.text for each in bulletin.rotation.entries),
        "rotate_note": rotate_note(bulletin.rotation, told.id),
        "rotate_title": rotate_title(bulletin.rotation),
        "changes": _changes(bulletin),
        "history": _history(bulletin.history, told),
        "coverage": bulletin.coverage,
        "delayed": delay,
        "mentions": Ready(" ".join(each for each in bulletin.mentions if _MENTION.fullmatch(each))),
    }


def _changes(bulletin: Bulletin) -> tuple[str, ...]:
    """What is new, less what the alert that the message shows says itself."""
    if bulletin.speaker is bulletin.incident.worst:
        return bulletin.changes
    return tuple(said for said in bulletin.changes if not said.endswith(bulletin.speaker.summary))


def rotate_title(found: Rotation) -> str:
    """What the list of what to rotate is headed with; empty without a list."""
    counted = [(found.vaults, "whole vault"), (found.items, "item")]
    said = " and ".join(plural(count, noun) for count, noun in counted if count)
    if not said and not found.elsewhere:
        return ""
    since = f" since {utc(found.since)}" if found.since else ""
    return f"What to rotate: {said or 'nothing certain'} taken{since}"


def rotate_note(found: Rotation, incident_id: str) -> str:
    """What is not in the list, where all of it is, and how to learn what an id stands for."""
    said = [f"{found.more:,} more are not shown"] if found.more else []
    if found.elsewhere:
        count = plural(found.elsewhere, "further item")
        said.append(f"{count} used from other addresses of theirs, perhaps by themselves")
    rest = f"{'; '.join(said)}. All: vaultwatch alerts show {incident_id}" if said else ""
    return ". ".join(filter(None, [rest, LOOK_UP if found.entries else ""]))


def list_view(message: Digest | Notice) -> dict[str, Any]:
    """The names for a digest or a notice."""
    names: dict[str, Any] = {
        "id": message.id,
        "title": message.title,
        "level": message.level.capitalize(),
        "mark": MARKS[message.level],
        "colour": COLOURS[message.level],
        "summary": "",
        "period": "",
        "lines": (),
        "sections": (),
        "command": "",
    }
    if isinstance(message, Notice):
        return names | {"lines": _most(message.lines), "period": utc(message.at)}
    return names | {
        "summary": message.summary,
        "sections": tuple(Section(each.title, _most(each.lines)) for each in message.sections),
        "period": f"{utc(message.since)} to {utc(message.until)}",
        "command": f"vaultwatch alerts list --digest {message.id}",
    }


def _others(told: Incident, speaker: Alert) -> tuple[Other, ...]:
    rest = [each for each in told.alerts if each.id != speaker.id]
    shown = [_other(each) for each in rest[:MOST_OTHERS]]
    if len(rest) > MOST_OTHERS:
        shown.append(Other("", "", f"and {len(rest) - MOST_OTHERS} more alerts", "", ""))
    return tuple(shown)


def _other(alert: Alert) -> Other:
    state = STATES.get(alert.status, "")
    return Other(
        alert.level.capitalize(), MARKS[alert.level], alert.summary, utc(alert.time), state
    )


def _history(changes: Sequence[Change], told: Incident) -> tuple[str, ...]:
    """The newest changes as lines, oldest first; which alert is said where there are several."""
    titles = {each.id: each.rule.title for each in told.alerts}
    lines = []
    for change in changes[-MOST_HISTORY:]:
        about = f" ({titles[change.about]})" if len(titles) > 1 and change.about in titles else ""
        note = f": {change.note}" if change.note else ""
        lines.append(
            f"{change.at:%a %H:%M} UTC, {change.who}: {change.what.replace('_', ' ')}{about}{note}"
        )
    return tuple(lines)


def _most(lines: Iterable[str]) -> tuple[str, ...]:
    kept = tuple(lines)
    if len(kept) <= MOST_LINES:
        return kept
    return (*kept[: MOST_LINES - 1], f"and {len(kept) - MOST_LINES + 1} more")
