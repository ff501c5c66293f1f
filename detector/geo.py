"""Places: country codes, coordinates that can be believed, distances, and time zones.

Country codes and time-zone places are those of the IANA time-zone database (package tzdata:
iso3166.tab and zone.tab, public domain).
"""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius R1 of the GRS80 ellipsoid (IUGG)."""

FAR_KM: Final = 4_000.0
NEAR_KM: Final = 1_500.0
"""Farther from every zone of a country than the one, and nearer than the other, is swapped."""

_ALIASES: Final = {
    "UK": "GB",
    "UNITED KINGDOM": "GB",
    "GREAT BRITAIN": "GB",
    "ENGLAND": "GB",
    "SCOTLAND": "GB",
    "WALES": "GB",
    "USA": "US",
    "UNITED STATES OF AMERICA": "US",
    "SOUTH KOREA": "KR",
    "REPUBLIC OF KOREA": "KR",
    "KOREA, REPUBLIC OF": "KR",
    "NORTH KOREA": "KP",
    "RUSSIAN FEDERATION": "RU",
    "CZECHIA": "CZ",
    "TÜRKIYE": "TR",
    "TURKIYE": "TR",
    "VIET NAM": "VN",
    "THE NETHERLANDS": "NL",
    "HOLLAND": "NL",
    "IVORY COAST": "CI",
    "CABO VERDE": "CV",
    "BURMA": "MM",
    "MYANMAR": "MM",
    "SWAZILAND": "SZ",
    "MACEDONIA": "MK",
    "BOSNIA AND HERZEGOVINA": "BA",
    "IRAN, ISLAMIC REPUBLIC OF": "IR",
    "SYRIAN ARAB REPUBLIC": "SY",
    "TANZANIA, UNITED REPUBLIC OF": "TZ",
    "VENEZUELA, BOLIVARIAN REPUBLIC OF": "VE",
    "BOLIVIA, PLURINATIONAL STATE OF": "BO",
    "MOLDOVA, REPUBLIC OF": "MD",
    "TAIWAN, PROVINCE OF CHINA": "TW",
    "LAO PEOPLE'S DEMOCRATIC REPUBLIC": "LA",
    "BRUNEI DARUSSALAM": "BN",
    "DR CONGO": "CD",
    "DEMOCRATIC REPUBLIC OF THE CONGO": "CD",
    "REPUBLIC OF THE CONGO": "CG",
    "HONG KONG SAR CHINA": "HK",
    "MACAO": "MO",
    "PALESTINIAN TERRITORIES": "PS",
    "VATICAN": "VA",
    "HOLY SEE": "VA",
    "ANTIGUA AND BARBUDA": "AG",
    "TRINIDAD AND TOBAGO": "TT",
    "SAINT LUCIA": "LC",
    "KOSOVO": "XK",
}
_ZONE_PLACE: Final = re.compile(r"([+-]\d+)([+-]\d+)")


@cache
def _names() -> dict[str, str]:
    names = dict(_ALIASES)
    for code, name in _table("iso3166.tab"):
        names[code] = code
        names[name.upper()] = code
    return names


@cache
def _countries() -> dict[str, str]:
    names = dict(_table("iso3166.tab"))
    return names | {"GB": "United Kingdom", "KR": "South Korea", "KP": "North Korea"}


@cache
def _zones() -> dict[str, tuple[tuple[float, float, str], ...]]:
    zones: dict[str, list[tuple[float, float, str]]] = {}
    for code, place, name, *_ in _table("zone.tab"):
        match = _ZONE_PLACE.fullmatch(place)
        if match:
            zones.setdefault(code, []).append((_degrees(match[1]), _degrees(match[2]), name))
    return {code: tuple(found) for code, found in zones.items()}


def _table(name: str) -> list[list[str]]:
    text = files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


def _degrees(text: str) -> float:
    """Degrees of an ISO 6709 angle of zone.tab: ±DDMM, ±DDDMM, ±DDMMSS or ±DDDMMSS."""
    sign = -1.0 if text[0] == "-" else 1.0
    digits = text[1:]
    width = 2 if len(digits) in (4, 6) else 3
    minutes, seconds = digits[width : width + 2], digits[width + 2 :]
    return sign * (int(digits[:width]) + int(minutes) / 60 + int(seconds or 0) / 3600)


def country_code(text: str | None) -> str | None:
    """The ISO 3166 code of a country given as code or as English name; null if unknown.

    >>> country_code("Israel"), country_code("uk"), country_code("France"), country_code("")
    ('IL', 'GB', 'FR', None)
    """
    return _names().get(text.strip().upper()) if text else None


def country_name(code: str) -> str:
    """The English name of a country by its ISO 3166 code; the code itself if it is none.

    >>> country_name("NG"), country_name("GB")
    ('Nigeria', 'United Kingdom')
    """
    return _countries().get(code, code)


def zone_at(country: str, latitude: float | None, longitude: float | None) -> str | None:
    """The IANA zone of the nearest zone capital in `country`, null for an unknown country.

    >>> zone_at("US", 37.8, -122.4)
    'America/Los_Angeles'
    """
    zones = _zones().get(country)
    if not zones:
        return None
    if latitude is None or longitude is None:
        return zones[0][2] if len(zones) == 1 else None
    return min(zones, key=lambda zone: distance_km(latitude, longitude, zone[0], zone[1]))[2]


def distance_km(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> float:
    """Great-circle distance in km by the haversine formula, on a sphere of the mean radius.

    >>> round(distance_km(43.65, -79.38, 6.45, 3.39))
    8932
    """
    from_phi, to_phi = math.radians(latitude), math.radians(to_latitude)
    turn = math.radians(to_longitude - longitude)
    chord = (
        math.sin((to_phi - from_phi) / 2) ** 2
        + math.cos(from_phi) * math.cos(to_phi) * math.sin(turn / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord)))


def believable(latitude: float | None, longitude: float | None) -> bool:
    """Whether coordinates can be a place: present, in range, finite and not exactly (0, 0)."""
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return False
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


@lru_cache(maxsize=65_536)
def swapped(country: str | None, latitude: float, longitude: float) -> bool:
    """Whether coordinates are far from their country and near it with the two exchanged.

    1Password's documentation once had them exchanged. Nearness is that of the country's zones.

    >>> swapped("CA", -79.433, 43.64), swapped("CA", 43.64, -79.433), swapped(None, -79.4, 43.6)
    (True, False, False)
    """
    zones = _zones().get(country or "")
    if not zones or not believable(longitude, latitude):
        return False
    here = min(distance_km(latitude, longitude, north, east) for north, east, _ in zones)
    there = min(distance_km(longitude, latitude, north, east) for north, east, _ in zones)
    return here > FAR_KM and there < NEAR_KM
