"""What a template may speak of: an alert and what follows from it, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from detector.alerts import Alert, Reason
from detector.findings import Level
from detector.rendering.facts import facts, who

MARKS: Final = {
    Level.INFORMATIONAL: "⚪",
    Level.LOW: "🔵",
    Level.MEDIUM: "🟡",
    Level.HIGH: "🟠",
    Level.CRITICAL: "🔴",
}
"""A coloured mark beside the level's word, never instead of it."""

COLOURS: Final = {
    Level.INFORMATIONAL: "#6b7280",
    Level.LOW: "#2563eb",
    Level.MEDIUM: "#b45309",
    Level.HIGH: "#c2410c",
    Level.CRITICAL: "#b91c1c",
}
"""Dark enough to carry white text."""


UPDATES: Final = {
    Reason.LEVEL_RAISED: "level raised",
    Reason.STILL_HAPPENING: "still happening",
    Reason.AMENDED: "amended",
}
"""What a message says of an alert that was told before."""


def view(alert: Alert) -> dict[str, Any]:
    """The names that templates may use, as documented at the head of each template."""
    local = local_time(alert.time, zone=alert.evidence.get("timezone"))
    against = tuple(said[2:] for said in alert.why if said.startswith("- "))
    return {
        "alert": alert,
        "level": alert.level.capitalize(),
        "mark": MARKS[alert.level],
        "colour": COLOURS[alert.level],
        "who": who(alert.subject),
        "when": utc(alert.time),
        "local": local,
        "facts": facts(alert, local=local),
        "reasons": tuple(
            said.removeprefix("+ ") for said in alert.why if not said.startswith("- ")
        ),
        "doubts": against,
        "steps": alert.runbook,
        "events": events(alert),
        "update": UPDATES.get(alert.reason, ""),
    }


def events(alert: Alert) -> str:
    """How many events there were, and over how long."""
    counted = f"{alert.count:,} event" + "s" * (alert.count != 1)
    minutes = (alert.time - alert.first_time) // timedelta(minutes=1)
    for unit, length in (("days", 24 * 60), ("h", 60), ("min", 1)):
        if minutes >= 2 * length:
            return f"{counted} in {minutes // length} {unit}"
    return counted


def utc(time: datetime) -> str:
    """A time that nobody has to guess the zone of, as in `Sat 14 Mar 2026, 10:02 UTC`."""
    return f"{time:%a} {time.day} {time:%b %Y, %H:%M} UTC"


def local_time(time: datetime, *, zone: object) -> str:
    """The person's own time, with the day where it is another one; empty if unknown.

    >>> from datetime import UTC
    >>> local_time(datetime(2026, 3, 14, 2, 2, tzinfo=UTC), zone="America/Toronto")
    'Fri 22:02 Toronto time'
    """
    if not isinstance(zone, str):
        return ""
    try:
        there = time.astimezone(ZoneInfo(zone))
    except (ValueError, OSError, KeyError):
        return ""
    day = "" if there.date() == time.date() else f"{there:%a} "
    place = zone.rsplit("/", 1)[-1].replace("_", " ")
    return f"{day}{there:%H:%M} {place} time"
