"""Items as they should not be: wrong types, missing parts, hostile sizes, unknown words."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from detector.simulator.faults import Fault

Item = dict[str, Any]
_OBJECTS: Final = (
    "actor_details", "session", "location", "target_user", "user", "client", "object_details",
)  # fmt: skip
_ENUMS: Final = ("action", "object_type", "category", "type", "actor_type")
_ODDITIES: Final[tuple[Any, ...]] = (17, -1.5, True, [1, 2], {"a": {}}, "text", [[]])
_SHARE: Final = 0.35


def corrupted(items: list[Item], fault: Fault, rng: random.Random) -> list[Item]:
    """The items of a page with about a third of them, and at least one, corrupted."""
    if fault.word == "duplicates":
        return [item for item in items for _ in range(2)]
    if fault.word == "shuffled":
        return rng.sample(items, len(items))
    change = _CHANGES.get(fault.word)
    if change is None or not items:
        return items
    must = rng.randrange(len(items))
    return [
        change(dict(item), fault, rng) if index == must or rng.random() < _SHARE else item
        for index, item in enumerate(items)
    ]


def _wrong_types(item: Item, _: Fault, rng: random.Random) -> Item:
    for name in rng.sample(sorted(item), 3):
        others = [value for value in _ODDITIES if type(value) is not type(item[name])]
        item[name] = rng.choice(others)
    return item


def _missing_uuid(item: Item, _: Fault, rng: random.Random) -> Item:
    if rng.random() < 0.3:
        item["uuid"] = ""
    else:
        del item["uuid"]
    return item


def _huge_strings(item: Item, fault: Fault, rng: random.Random) -> Item:
    name = rng.choice([name for name in _OBJECTS if isinstance(item.get(name), dict)])
    text = "\u202eA\u0000" + "x" * int(fault.number(100_000))
    item[name] = {**item[name], rng.choice(("name", "email", "platform_name", "city")): text}
    return item


def _null_objects(item: Item, _: Fault, rng: random.Random) -> Item:
    present = [name for name in _OBJECTS if name in item]
    for name in rng.sample(present, rng.randrange(1, len(present) + 1)):
        item[name] = None
    return item


def _future(item: Item, fault: Fault, rng: random.Random) -> Item:
    moment = datetime.fromisoformat(item["timestamp"])
    later = moment + timedelta(hours=fault.number(72), seconds=rng.randrange(60))
    item["timestamp"] = later.isoformat().replace("+00:00", "Z")
    return item


def _extra_fields(item: Item, _: Fault, rng: random.Random) -> Item:
    item |= {"risk": {"score": rng.random(), "tags": ["a", None]}, "__proto__": {}, "": 0}
    return item


def _unknown_enums(item: Item, _: Fault, rng: random.Random) -> Item:
    for name in _ENUMS:
        if name in item:
            item[name] = f"new{rng.randrange(10)}"
    return item


_CHANGES: Final[dict[str, Callable[[Item, Fault, random.Random], Item]]] = {
    "wrong-types": _wrong_types,
    "missing-uuid": _missing_uuid,
    "huge-strings": _huge_strings,
    "null-objects": _null_objects,
    "future": _future,
    "extra-fields": _extra_fields,
    "unknown-enums": _unknown_enums,
}
