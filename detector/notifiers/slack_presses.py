"""What people do with buttons, read from Slack's payloads: data from outside, taken apart with care."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from detector.delivery.commands import Command, Verb
from detector.delivery.journal import How
from detector.notifiers.slack_modals import DATE, MORNING, NOTE, SPANS, UNTIL, VERDICT, VERDICTS

MORNING_HOUR: Final = 8
LONGEST_NOTE: Final = 1000
LATEST: Final = 4_102_444_800
"""1 January 2100, in seconds: beyond that a date is a slip."""
_ID: Final = re.compile(r"[A-Z0-9]{2,24}")
_INCIDENT: Final = re.compile(r"[a-z0-9-]{4,64}")
_SPAN: Final = re.compile(r"(\d+)([hd])")
_BUTTONS: Final = {verb.value: verb for verb in (Verb.ACK, Verb.SNOOZE, Verb.FALSE_POSITIVE,
                                                 Verb.RESOLVE, Verb.SILENCE)}  # fmt: skip
_WINDOWS: Final = frozenset(_BUTTONS) - {Verb.ACK.value}

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Press:
    """One button pressed or one window sent off: who, what, about which incident, and where.

    `answers` holds what the window said; null for a button.
    """

    user: str
    team: str
    verb: Verb
    incident: str
    channel: str
    trigger: str
    answers: Payload | None = None

    @property
    def asks(self) -> bool:
        """Whether a window has to be opened first."""
        return self.answers is None and self.verb is not Verb.ACK


def press(payload: Payload) -> Press | None:
    """The press in a payload; null for whatever is no press of ours.

    >>> press({"type": "block_actions", "actions": "?"}) is None
    True
    """
    try:
        if payload["type"] == "block_actions":
            return _button(payload)
        if payload["type"] == "view_submission":
            return _window(payload)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None
    return None


def command(pressed: Press, who: str, now: datetime, zone: ZoneInfo) -> Command:
    """What the press asks for; `zone` is the organisation's, whose morning is meant."""
    answers = pressed.answers or {}
    verdict = _chosen(answers, VERDICT)
    verb = Verb(verdict) if verdict in VERDICTS else pressed.verb
    return Command(
        verb,
        pressed.incident,
        who,
        How.SLACK,
        note=_note(answers),
        until=_until(answers, now, zone) if verb in {Verb.SNOOZE, Verb.SILENCE} else None,
    )


def _button(payload: Payload) -> Press | None:
    action = payload["actions"][0]
    name = action["action_id"]
    if name not in _BUTTONS:
        return None
    channel = payload["container"].get("channel_id") or payload["channel"]["id"]
    return _press(payload, _BUTTONS[name], action["value"], channel, None)


def _window(payload: Payload) -> Press | None:
    view = payload["view"]
    if view["callback_id"] not in _WINDOWS:
        return None
    kept = json.loads(view["private_metadata"])
    answers = {
        name: value for block in view["state"]["values"].values() for name, value in block.items()
    }
    verb = _BUTTONS[view["callback_id"]]
    return _press(payload, verb, kept["incident"], kept["channel"], answers)


def _press(
    payload: Payload, verb: Verb, incident: str, channel: str, answers: Payload | None
) -> Press | None:
    user = payload["user"]
    team = user.get("team_id") or payload["team"]["id"]
    if not (_ID.fullmatch(user["id"]) and _ID.fullmatch(team) and _ID.fullmatch(channel)):
        return None
    if not _INCIDENT.fullmatch(incident):
        return None
    trigger = str(payload.get("trigger_id", ""))
    return Press(user["id"], team, verb, incident, channel, trigger, answers)


def _said(answers: Payload, name: str) -> Payload:
    found = answers.get(name)
    return found if isinstance(found, dict) else {}


def _chosen(answers: Payload, name: str) -> str:
    option = _said(answers, name).get("selected_option")
    return str(option.get("value") or "") if isinstance(option, dict) else ""


def _note(answers: Payload) -> str:
    """What was typed; Slack hands it over with its three characters escaped."""
    text = str(_said(answers, NOTE).get("value") or "")
    for escaped, meant in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, meant)
    return " ".join(text.split())[:LONGEST_NOTE]


def _until(answers: Payload, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The end that was chosen: an exact time before a span."""
    exact = _said(answers, DATE).get("selected_date_time")
    if isinstance(exact, int) and 0 < exact < LATEST:
        return datetime.fromtimestamp(exact, UTC)
    span = _chosen(answers, UNTIL)
    if span == MORNING:
        there = now.astimezone(zone)
        tomorrow = (there + timedelta(days=1)).date()
        return (
            datetime.combine(tomorrow, datetime.min.time(), zone)
            .replace(hour=MORNING_HOUR)
            .astimezone(UTC)
        )
    found = _SPAN.fullmatch(span)
    if span not in SPANS or found is None:
        return None
    return now + timedelta(**{"hours" if found[2] == "h" else "days": int(found[1])})
