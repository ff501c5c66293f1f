"""Broken items read leaf by leaf: what is right in them is kept, and what is not is said."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from detector.sources import wire
from detector.sources.parts import NESTED

LONGEST_NUMBER: Final = 100
"""Digits of an integer; 64 bits have 19."""


def readable(feed: str, raw: bytes) -> tuple[dict[str, Any] | None, str]:
    """What is right in an item, and what is not; null and the reason if it has no identity."""
    try:
        fields = json.loads(raw, parse_int=_number)
    except RecursionError:
        return None, "nests too deeply"
    except ValueError as error:
        return None, f"not JSON: {error}"
    if not isinstance(fields, dict):
        return None, f"not an object but {type(fields).__name__}"
    if "uuid" not in fields:
        # 1Password's documentation once showed the key with its colon inside.
        fields["uuid"] = fields.get("uuid:")
    wrong: list[str] = []
    good = _right_leaves(wire.TYPES[feed], fields, wrong, "")
    for name in ("uuid", "timestamp"):
        if not good.get(name):
            return None, f"{name}: missing or not a text"
    return good, "left out: " + ", ".join(wrong) if wrong else "no strict JSON, but readable"


def _number(digits: str) -> float:
    """An integer of JSON; as a float, which no field is, where Python would refuse it."""
    return int(digits) if len(digits) <= LONGEST_NUMBER else float(digits)


def _right_leaves(
    kind: type[msgspec.Struct], fields: dict[str, Any], wrong: list[str], path: str
) -> dict[str, Any]:
    good: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        value = fields.get(field.name)
        if field.name in NESTED and isinstance(value, dict):
            value = _right_leaves(NESTED[field.name], value, wrong, f"{path}{field.name}.")
        if isinstance(value, str):
            value = value.encode("utf-8", "replace").decode()
        try:
            good[field.name] = msgspec.convert(value, field.type)
        except (msgspec.ValidationError, OverflowError):
            wrong.append(f"{path}{field.name} ({type(value).__name__})")
    return {name: value for name, value in good.items() if value is not None}
