"""Items decoded in two steps: the whole, then its parts, of which each distinct one is decoded once.

The same users, clients and places come again and again, so most parts are bytes seen before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

import msgspec
import polars as pl

from detector.sources import wire

NESTED: Final[dict[str, type[msgspec.Struct]]] = {
    "actor_details": wire.User,
    "object_details": wire.User,
    "aux_details": wire.User,
    "target_user": wire.User,
    "user": wire.User,
    "session": wire.Session,
    "client": wire.Client,
    "location": wire.Location,
    "details": wire.Details,
}
"""The parts of items by name, and what they are."""
UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)


def _outline(feed: str) -> type[msgspec.Struct]:
    """The type of a feed's items with their parts as raw JSON."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(wire.TYPES[feed]):
        if field.name in NESTED:
            fields.append((field.name, msgspec.Raw, msgspec.Raw()))
        elif field.required:
            fields.append((field.name, field.type))
        else:
            fields.append((field.name, field.type, field.default))
    return msgspec.defstruct(wire.TYPES[feed].__name__ + "Outline", fields, gc=False)


_OUTLINES: Final = {feed: msgspec.json.Decoder(_outline(feed)) for feed in wire.TYPES}
_PARTS: Final = {name: msgspec.json.Decoder(kind) for name, kind in NESTED.items()}
_NAMES: Final = {
    feed: [field.name for field in msgspec.structs.fields(kind) if field.name in NESTED]
    for feed, kind in wire.TYPES.items()
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of many items: the distinct ones, the first of them empty, and which each item has.

    `broken` are the places among the items of those whose part could not be read.
    """

    distinct: Sequence[msgspec.Struct]
    places: pl.Series
    broken: Sequence[int]


def outline(feed: str, raw: bytes) -> msgspec.Struct:
    """An item of a feed, its parts left as they are. Raises one of `UNREADABLE`."""
    return _OUTLINES[feed].decode(raw)


def parts(feed: str, items: Sequence[msgspec.Struct]) -> dict[str, Part]:
    """Every part of outlined items by name."""
    return {name: _part(name, list(map(attrgetter(name), items))) for name in _NAMES[feed]}


def _part(name: str, raws: Sequence[msgspec.Raw]) -> Part:
    # A part that is missing, and one that is null: both are the first, which is empty.
    known: dict[bytes, int] = {b"": 0, b"null": 0}
    codes = [known.setdefault(bytes(raw), len(known) - 1) for raw in raws]
    distinct, bad, decode = [NESTED[name]()], set[int](), _PARTS[name].decode
    for code, raw in enumerate(list(known)[2:], 1):
        try:
            distinct.append(decode(raw))
        except UNREADABLE:
            bad.add(code)
            distinct.append(distinct[0])
    broken = [place for place, code in enumerate(codes) if code in bad] if bad else []
    return Part(distinct, pl.Series(codes, dtype=pl.UInt32), broken)
