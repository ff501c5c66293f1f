"""Novelty: the value of any field in an event, who knows it, and what was new about it in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from detector import events, networks, workhours
from detector.geo import country_name
from detector.observations import CLIENT, COUNTRY, DEVICE, PLACE, SLOT
from detector.rule_types.base import KIND_OF, Scene
from detector.wording import client, deed, place

NAMES: Final = {
    "source.country": "the country",
    "source.network": "the network",
    "source.city": "the city",
    "hour": "the hour of the week",
    "client.fingerprint": "the client",
    "device.id": "the device",
    "vault.id": "the vault",
    "item.id": "the item",
    "client.app_name": "the app",
    "client.os_name": "the operating system",
    "event.action": "the action",
    "object.type": "the kind of thing",
}
"""Fields as people say them."""
SURROUNDINGS: Final = ("source.network", "source.country", "client.fingerprint")
"""What may be new about a person beside what a rule looks at."""
DEED: Final = ("event.action", "object.type")
"""Fields that say together what was done."""
_KINDS: Final = {
    networks.OFFICE: "an office's",
    networks.VPN: "a VPN's",
    "mobile": "a mobile carrier's",
    "hosting": "a hosting company's",
    "relay": "a relay's, which hides where people are",
    "tor": "a Tor exit",
    "satellite": "a satellite carrier's",
}
_OURS: Final = (networks.OFFICE,)
"""Kinds that only networks.yml gives, so that they speak against an attack."""


NAMELESS: Final = "- nobody said whose network it is: no list or ASN database (paths.network_lists, paths.asn) knows it"
"""What is said of a network where the organisation states, and a database knows, nothing of it."""


def value_of(scene: Scene, row: int, field: str) -> tuple[str | None, int | None]:
    """The value of a field in a row, and the kind of fact that knows it (null: none does)."""
    page = scene.page
    if field == "hour":
        zone = scene.facts.zone_of(page.people[row] or "")
        return workhours.slot(zone, page.times[row]), SLOT
    kind = KIND_OF.get(field)
    if kind is None:
        return (scene.text(field, row) if field in page.columns else None), None
    value = page.values[kind][row]
    if kind == DEVICE and value is None:
        return page.values[CLIENT][row], CLIENT
    return value, kind


def shown_as(key: str) -> str:
    """A value or a combination of values as people say it.

    >>> shown_as("Lagos|Lagos|NG"), shown_as("1Password CLI | ? | ?")
    ('Lagos, Nigeria', '1Password CLI')
    """
    values = key.split("\x1f")
    return " with ".join(
        client(each) if " | " in each else place(each) or each if each.count("|") == 2 else each
        for each in values
    )


def is_new(scene: Scene, row: int, field: str, name: str) -> bool:
    """Whether the facts know the field, but not its value with this person."""
    value, kind = value_of(scene, row, field)
    return value is not None and kind is not None and scene.facts.days(name, kind, value) == 0


def combining(scene: Scene, fields: tuple[str, ...]) -> Callable[[int], str | None]:
    """How the values of fields in a row of a scene are read as one; null if one of them is missing."""
    read = [_reading(scene, field) for field in fields]
    if len(read) == 1:
        (only,) = read
        return lambda row: only(row) or None

    def combined(row: int) -> str | None:
        found = [each(row) for each in read]
        return "\x1f".join(each for each in found if each) if all(found) else None

    return combined


def _reading(scene: Scene, field: str) -> Callable[[int], str | None]:
    """How one field is read: where it is a column of texts, from that."""
    kind, page = KIND_OF.get(field), scene.page
    if kind is not None and kind not in {DEVICE, SLOT}:
        return page.values[kind].__getitem__
    if kind is None and field in page.columns and events.SCHEMA[field] == events.TEXT:
        return page.columns[field].__getitem__
    return lambda row: value_of(scene, row, field)[0]


def named(fields: tuple[str, ...]) -> str:
    """What fields are called in a sentence."""
    if fields == DEED:
        return "what was done"
    return " with ".join(NAMES.get(field, field) for field in fields)


def said(fields: tuple[str, ...], value: str) -> str:
    """The value of fields, or of their combination, as people say it."""
    if fields == ("source.country",):
        return country_name(value)
    if fields == DEED:
        action, _, kind = value.partition("\x1f")
        return deed(action, kind)
    return shown_as(value)


def also_new(scene: Scene, row: int, name: str, fields: tuple[str, ...]) -> list[str]:
    """The surroundings of a row that are new for a person and that the fields say nothing of.

    Of somebody of whom nothing is known, nothing is said to be new.
    """
    if name not in scene.facts.people:
        return []
    clients = any(field.startswith("client.") for field in fields)
    known = {*fields, "client.fingerprint"} if clients else {*fields}
    return [
        field for field in SURROUNDINGS if field not in known and is_new(scene, row, field, name)
    ]


def evidence(scene: Scene, row: int, name: str, fields: tuple[str, ...]) -> dict[str, Any]:
    """Where the event came from, and for how long the person is known."""
    page = scene.page
    person = scene.facts.people.get(name)
    fingerprint = page.values[CLIENT][row]
    return {
        "fields": list(fields),
        "client": client(fingerprint) if fingerprint else None,
        "source.ip": scene.text("source.ip", row),
        "source.country": page.values[COUNTRY][row],
        "source.as.name": scene.text("source.as.name", row),
        "network_kind": scene.network_kind(row),
        "place": place(page.values[PLACE][row], page.values[COUNTRY][row]),
        "known_days": person.days if person else 0,
        "timezone": scene.facts.zone_of(name),
    }


def whose(evidence: dict[str, Any]) -> list[str]:
    """Whose network it is, where that it is new is a part of the finding; or that nobody said."""
    if "source.network" not in {*evidence["also_new"], *evidence["fields"]}:
        return []
    owner, kind = evidence.get("source.as.name"), evidence.get("network_kind")
    said = [f"it belongs to {owner}"] * bool(owner) + [
        f"it is {_KINDS.get(kind or '', kind)}"
    ] * bool(kind)
    sign = "-" if kind in _OURS else "+"
    return [f"{sign} the network: {', '.join(said)}"] if said else [NAMELESS]


def words_of(found: dict[str, Any]) -> str:
    """What was new, as a part of a sentence."""
    if "device.id" in found["fields"]:
        return f"a new device, {found['client']}," if found.get("client") else "a new device"
    if found["fields"] == ["source.country"]:
        return f"the country {country_name(str(found['value']))}"
    named = [NAMES.get(field, field) for field in found["fields"]]
    return f"{' with '.join(named)} {found['value']}"
