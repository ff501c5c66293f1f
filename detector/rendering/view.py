"""What a template may speak of: an alert and what follows from it, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from detector.alerts import Alert
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


def view(alert: Alert) -> dict[str, Any]:
    """The names that templates may use for one alert, as documented at the head of each."""
    local = local_time(alert.time, zone=alert.evidence.get("timezone"))
    against = tuple(said[2:] for said in alert.why if said.startswith("- "))
    return {
        "alert": alert,
        "level": alert.level.capitalize(),
        "mark": MARKS[alert.level],
        "colour": COLOURS[alert.level],
        "who": who(alert.subject),
        "when": utc(alert.time),
        "stamp": int(alert.time.timestamp()),
        "local": local,
        "facts": facts(alert, local=local),
        "reasons": tuple(
            said.removeprefix("+ ") for said in alert.why if not said.startswith("- ")
        ),
        "doubts": against,
        "steps": alert.runbook,
    }


def events(count: int, first: datetime, last: datetime) -> str:
    """How many events there were, and over how long; empty for what is no matter of events."""
    took = span(last - first)
    if not count:
        return f"lasts {took}" if took else ""
    counted = f"{count:,} event" + "s" * (count != 1)
    return f"{counted} in {took}" if took else counted


def span(length: timedelta) -> str:
    """A span in the largest unit of which there are two; empty if it is shorter than that.

    >>> span(timedelta(hours=41, minutes=5)), span(timedelta(seconds=70))
    ('41 h', '')
    """
    minutes = length // timedelta(minutes=1)
    for unit, size in (("days", 24 * 60), ("h", 60), ("min", 1)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return ""


def utc(time: datetime) -> str:
    """A time that nobody has to guess the zone of, as in `Sat 14 Mar 2026, 10:02 UTC`."""
    return f"{time:%a} {time.day} {time:%b %Y, %H:%M} UTC"


def local_time(time: datetime, *, zone: object) -> str:
    """The person's own time, with the day where it is another one; empty if unknown.

    >>> from datetime import UTC
    >>> local_time(datetime(2026, 3, 14, 2, 2, tzinfo=UTC), zone="America/Toronto")
    'Fri 22:02 Toronto time'
    """
    if not isinstance(zone, str) or zone == "UTC":
        return ""
    try:
        there = time.astimezone(ZoneInfo(zone))
    except (ValueError, OSError, KeyError):
        return ""
    day = "" if there.date() == time.date() else f"{there:%a} "
    place = zone.rsplit("/", 1)[-1].replace("_", " ")
    return f"{day}{there:%H:%M} {place} time"
