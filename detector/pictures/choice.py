"""Which picture an alert gets, if any: the map of a journey, or the person's week."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from detector.alerts import Alert
from detector.pictures.travel_map import Stop, travel_map
from detector.pictures.week import DAYS, week
from detector.rendering.text import plain
from detector.wording import plural

_WEEK: Final = re.compile(r"[0-9]{168}")
_LOCAL: Final = re.compile(rf"(?P<day>{'|'.join(DAYS)})\b.*\b(?P<hour>[01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, its file name, and what it shows in words."""

    png: bytes
    name: str
    alt: str


def picture(alert: Alert) -> Picture | None:
    """The picture of an alert; nothing where its evidence gives none."""
    return _journey(alert.evidence) or _week(alert)


def _journey(evidence: dict[str, Any]) -> Picture | None:
    lats, lons = evidence.get("latitudes"), evidence.get("longitudes")
    if not (_are_degrees(lats, 90) and _are_degrees(lons, 180)):
        return None
    assert isinstance(lats, list | tuple)
    assert isinstance(lons, list | tuple)
    names = [plain(evidence.get(key) or "?") for key in ("from_place", "to_place")]
    start, end = (
        Stop(float(lon), float(lat), name) for lon, lat, name in zip(lons, lats, names, strict=True)
    )
    said = _said(evidence)
    alt = f"Map: {names[0]} to {names[1]}" + (f", {said}" if said else "")
    return Picture(travel_map(start, end, said), "journey.png", alt)


def _said(evidence: dict[str, Any]) -> str:
    """Distance and time in words, as far as they are known."""
    km, minutes = evidence.get("distance_km"), evidence.get("minutes")
    parts = []
    if isinstance(km, int | float):
        parts.append(f"{km:,.0f} km")
    if isinstance(minutes, int | float):
        long = minutes >= 120
        parts.append(f"in {minutes / 60:.1f} hours" if long else f"in {plural(minutes, 'minute')}")
    return " ".join(parts)


def _week(alert: Alert) -> Picture | None:
    activity = alert.evidence.get("week")
    when = _LOCAL.search(str(alert.evidence.get("local_time", "")))
    if not (isinstance(activity, str) and _WEEK.fullmatch(activity) and when):
        return None
    who = plain(alert.subject.name or alert.subject.email or "this person")
    zone = plain(alert.evidence.get("timezone") or "local")
    day, hour = DAYS.index(when["day"]), int(when["hour"])
    png = week(activity, (day, hour), f"Usual hours of {who} ({zone} time)")
    alt = f"The usual hours of {who} by weekday; marked: {when['day']} {hour:02}:00 {zone} time"
    return Picture(png, "week.png", alt)


def _are_degrees(values: object, most: float) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == 2
        and all(isinstance(each, int | float) and abs(each) <= most for each in values)
    )
