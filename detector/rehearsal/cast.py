"""The people of a story: who they are, where they live, and what they work with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from detector import workhours
from detector.people import Colleague, People
from detector.rehearsal import cities
from detector.rehearsal.cities import City
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.rulebook.stories import Story

NOBODY: Final = "somebody"
"""Who acts in an event that names no user."""
DEFAULT_HOME: Final = "London"
PERSON_KEYS: Final = ("timezone", "home", "ip", "device", "email")

Told = Mapping[str, Any]
"""What a story says of one event, by column of the event schema."""


class Unplayable(Exception):
    """The story cannot be played; the text says why, for the one who wrote it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a story. `zone` is by whose clock they work."""

    name: str
    id: str
    email: str
    home: City
    zone: str
    ip: str
    device: str
    client: Mapping[str, Any]


def stable_id(*words: str) -> str:
    """An id as 1Password writes them, always the same for the same words.

    >>> stable_id("user", "ana")
    '36P64N4TD6DTHONNWA72JAKTQG'
    """
    digest = hashlib.sha256("\x1f".join(words).encode("utf-8", "replace")).digest()
    return base64.b32encode(digest).decode("ascii")[:26]


def address(name: str, city: City) -> str:
    """The address of a person in a city: looks public, and no two share a network."""
    first, second, third, last = hashlib.sha256(f"{name}\x1f{city.name}".encode()).digest()[:4]
    return f"{77 + first % 18}.{second}.{third}.{1 + last % 254}"


def city_of(name: str) -> City:
    """The city that a story names. Raises Unplayable."""
    city = cities.find(name)
    if city is None:
        known = [known.name for known in cities.CITIES.values()]
        fix = did_you_mean(name, known) or "name another city, or write location.country etc."
        msg = f"there is no city {quoted(name)} in the table; {fix}"
        raise Unplayable(msg)
    return city


def name_of(user: str | None, told: Told) -> str:
    """What a story calls the person of an event: the user, else the id or e-mail it gives."""
    return user or told.get("user.id") or told.get("user.email") or NOBODY


def cast(story: Story, told: tuple[Told, ...]) -> dict[str, Member]:
    """The people of a story by name; `told` is what it says of each of its events."""
    firsts: dict[str, tuple[Told, str | None]] = {}
    places: dict[str, str] = {}
    for event, each in zip(story.events, told, strict=True):
        name = name_of(event.user, each)
        firsts.setdefault(name, (each, event.from_place))
        if event.from_place:
            places.setdefault(name, event.from_place)
    for name in story.people:
        firsts.setdefault(name, ({}, None))
    return {
        name: _member(name, first, _entry(story, name), places.get(name))
        for name, first in firsts.items()
    }


def stranger() -> Member:
    """Somebody of whom no story tells anything."""
    return _member(NOBODY, ({}, None), {}, None)


def people(story: Story, members: Mapping[str, Member]) -> People:
    """What the organisation states about the people of a story."""
    stated = [(members[name], entry) for name, entry in story.people.items()]
    return People(
        tuple(
            Colleague(member.email, member.name, entry["timezone"])
            for member, entry in stated
            if "timezone" in entry
        )
    )


def _entry(story: Story, name: str) -> Mapping[str, str]:
    entry = story.people.get(name, {})
    for key, value in entry.items():
        if key not in PERSON_KEYS:
            fix = did_you_mean(key, PERSON_KEYS) or f"known are {', '.join(PERSON_KEYS)}"
            msg = f"people: {name}: {quoted(key)} cannot be said of a person; {fix}"
            raise Unplayable(msg)
        if not isinstance(value, str):
            msg = f"people: {name}: {key}: {quoted(value)} is not a text"
            raise Unplayable(msg)
    zone = entry.get("timezone")
    if zone is not None and workhours.zone(zone) is None:
        msg = f"people: {name}: {quoted(zone)} is no IANA time zone like Europe/Paris"
        raise Unplayable(msg)
    return entry


def _member(
    name: str, first: tuple[Told, str | None], entry: Mapping[str, str], place: str | None
) -> Member:
    told, began_at = first
    zone = entry.get("timezone")
    home = _home(entry.get("home") or place, zone)
    # What the first event shows is a habit only if it happens at home.
    habits = told if began_at is None or city_of(began_at) == home else {}
    device = stable_id("device", entry["device"]) if "device" in entry else habits.get("device.id")
    return Member(
        name=name,
        id=told.get("user.id") or stable_id("user", name),
        email=entry.get("email") or told.get("user.email") or _email(name),
        home=home,
        zone=zone or home.zone,
        ip=entry.get("ip") or habits.get("source.ip") or address(name, home),
        device=device or stable_id("device of", name),
        client=_client(name) | {key: habits[key] for key in habits if key.startswith("client.")},
    )


def _home(place: str | None, zone: str | None) -> City:
    if place:
        return city_of(place)
    return (cities.in_zone(zone) if zone else None) or city_of(DEFAULT_HOME)


def _email(name: str) -> str:
    return name if "@" in name else f"{name.replace(' ', '.')}@example.com"


def _client(name: str) -> dict[str, Any]:
    return {
        "client.app_name": "1Password for Mac",
        "client.app_version": "81200044",
        "client.platform_name": f"{name}-mac",
        "client.platform_version": "MacBookPro18,3",
        "client.os_name": "MacOSX",
        "client.os_version": "15.3.1",
    }
