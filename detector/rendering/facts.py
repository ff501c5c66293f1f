"""The facts of an alert: evidence keys and numbers as a person would say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from detector.alerts import Alert
from detector.findings import Subject
from detector.geo import country_name

MOST_FACTS: Final = 10
MOST_LISTED: Final = 5
CONTRIBUTIONS: Final = "contributions"
"""Evidence of a risk: what each rule adds to it, a line each."""

LABELS: Final[Mapping[str, str]] = {
    "action": "Action",
    "user.email": "User",
    "target.email": "Done to",
    "from_place": "From",
    "to_place": "To",
    "distance_km": "Distance",
    "speed_kmh": "Speed needed",
    "place": "Place",
    "source.ip": "Address",
    "from_ip": "Address before",
    "network": "Network",
    "device": "Device",
    "client": "App",
    "local_time": "Local time",
    "usual_hours": "Usual hours",
    "aux.info": "Detail",
    "client.app_name": "App",
    "device.id": "Device id",
    "vault": "Vault",
    "vault.id": "Vault id",
    "item": "Item",
    "item.id": "Item id",
    "object.id": "Object id",
    "count": "Count",
}
"""What the well-known evidence is called, in the order in which it is shown."""

UNITS: Final[Mapping[str, str]] = {
    "_km": "km",
    "_kmh": "km/h",
    "_seconds": "s",
    "_minutes": "min",
    "_hours": "h",
    "_days": "days",
    "_percent": "%",
}
"""A number's unit stands at the end of its name."""

_HIDDEN: Final = frozenset(
    {
        "timezone", "source.city", "source.region", "source.country",
        # What the sentence and the reasons say already, and numbers for machines only.
        "fields", "value", "also_new", "known_days", "deed_days", "colleagues", "device_new", "device_known",
        "device_days", "new_client", "minutes", "from_days", "to_days", "radius_km", "latitudes",
        "longitudes", "reasons", "anomaly_score", "threshold", "model", "trained_rows",
        "rungs", "to_kind", "weights", "near", "bout", "holiday", "strong", "schedule", "hours", "slot_days", "week", "event.action", "object.type", "followed_by", "followed_after_min",
        "correlation", "group", "asked", "span_seconds", "looks_at", "counted", "field", "steps",
        "routine", "routine_days", "routine_of", "strange", "network_kind", "never_seen", "quiet_days",
        "active_days", "before", "stood_days", "seen_times", "known_values", "last_seen", "usual_hours_missed", "pause_hours", "usual_days", "rests", "feeds", "silent_hours", "came_late", "allowed", "back_at", "share", "shown", "own_days", "among", "alike", "causes", "as_odd", "days_compared", "p_value", "told_before",
        "risk", "rules", "findings", "span_hours", "tactics", "least_rules", "least_tactics",
        "half_life", "told_by", "taken_back",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what is known: a label and a value, both for people."""

    label: str
    value: str


def facts(alert: Alert, *, local: str) -> tuple[Fact, ...]:
    """At most ten facts, the well-known ones first; what was left out is counted.

    `local` is the person's own time where it is known; it stands beside the time then.
    """
    shown = _shown(alert, local=local)
    parts = shown.pop(CONTRIBUTIONS, ())
    known = [key for key in LABELS if key in shown]
    keys = known + [key for key in shown if key not in LABELS]
    lines = [_part(each) for each in parts if isinstance(each, Mapping)]
    lines += [Fact(label(key), words(key, shown[key])) for key in keys]
    if len(lines) <= MOST_FACTS:
        return tuple(lines)
    rest = len(lines) - MOST_FACTS + 1
    return (
        *lines[: MOST_FACTS - 1],
        Fact("More", f"{rest} further facts: vaultwatch alerts show {alert.id}"),
    )


def _part(each: Mapping[str, Any]) -> Fact:
    """What one rule adds to a risk: how much now, when it found something last, and its alert."""
    time = datetime.fromisoformat(str(each["time"]))
    times = f", {each['findings']} times" if each["findings"] > 1 else ""
    told = ", told by itself" if each["told"] else ""
    when = f"{time:%a} {time.day} {time:%b, %H:%M} UTC"
    said = f"{each['title']}, {when}{times}{told} ({str(each['alert'])[:8]})"
    return Fact(f"{each['points']:.0f} points", said)


def who(subject: Subject) -> str:
    """Whom the alert is about: name and address, or the kind of thing and its id."""
    if subject.name and subject.email:
        return f"{subject.name} ({subject.email})"
    named = subject.email or subject.name
    return named or f"{subject.type.replace('_', ' ')} {subject.id}"


def label(key: str) -> str:
    """The name of one piece of evidence, without its unit.

    >>> label("mean_gap_minutes"), label("distance_km")
    ('Mean gap', 'Distance')
    """
    if key in LABELS:
        return LABELS[key]
    bare = key.removesuffix(_unit_suffix(key))
    named = bare.replace("_", " ").replace(".", " ").strip()
    return named[:1].upper() + named[1:]


def words(key: str, value: Any) -> str:
    """One value in words, with its unit.

    >>> words("speed_kmh", 8270.4), words("new", True), words("seen", ["a", "b"])
    ('8,270 km/h', 'yes', 'a, b')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{_number(value)} {UNITS.get(_unit_suffix(key), '')}".rstrip()
    if isinstance(value, list | tuple):
        listed = ", ".join(words(key, part) for part in value[:MOST_LISTED])
        return (
            listed if len(value) <= MOST_LISTED else f"{listed} and {len(value) - MOST_LISTED} more"
        )
    return str(value)


def _shown(alert: Alert, *, local: str) -> dict[str, Any]:
    evidence = {
        key: value for key, value in alert.evidence.items() if value not in (None, "", [], ())
    }
    city, country = evidence.get("source.city"), evidence.get("source.country")
    place = [str(part) for part in (city, country and country_name(str(country))) if part]
    shown = {key: value for key, value in evidence.items() if key not in _HIDDEN}
    if place and not {"to_place", "place"} & set(shown):
        shown["place"] = ", ".join(place)
    if local:
        shown.pop("local_time", None)
    if "target.email" in shown:
        shown.pop("target.name", None)
    if shown.get("user.email") == alert.subject.email:
        shown.pop("user.email", None)
    return shown


def _unit_suffix(key: str) -> str:
    return next((suffix for suffix in UNITS if key.endswith(suffix)), "")


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".")
