"""Items decoded in two steps: the whole, then its parts, of which each distinct one is decoded once.

The same users, clients and places come again and again, so most parts are bytes seen before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from detector import events
from detector.sources import wire
from detector.sources.leaves import series

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


class _Codes(dict[bytes, int]):
    """The number of each part by its bytes; a new one gets the next and waits to be decoded."""

    def __init__(self) -> None:
        super().__init__({b"": 0, b"null": 0})
        self.new: list[bytes] = []

    def __missing__(self, raw: bytes) -> int:
        self[raw] = code = len(self) - 1
        self.new.append(raw)
        return code


class Part:
    """One part of many items: each distinct one has a number and is decoded once.

    The first, 0, is the empty one: a part that is missing, or null.
    """

    def __init__(self, name: str, leaves: Mapping[str, pl.DataType]) -> None:
        self.name = name
        self._leaves = leaves
        self._codes = _Codes()
        self._distinct: list[msgspec.Struct] = [NESTED[name]()]
        self._bad = set[int]()
        self._table = pl.DataFrame(schema=leaves)

    def take(self, items: Sequence[msgspec.Struct]) -> np.ndarray:
        """The number of the part that each outlined item has."""
        raws = map(bytes, map(attrgetter(self.name), items))
        codes = np.fromiter(map(self._codes.__getitem__, raws), np.uint32, len(items))
        self._decode(self._codes.new)
        self._codes.new.clear()
        return codes

    def broken(self, codes: np.ndarray) -> list[int]:
        """The places of those numbers whose part could not be read."""
        if not self._bad:
            return []
        found: list[int] = np.flatnonzero(np.isin(codes, [*self._bad])).tolist()
        return found

    def table(self) -> pl.DataFrame:
        """The leaves of each distinct part that a column is made of, by number."""
        if self._table.height < len(self._distinct):
            columns = {
                leaf: series(list(map(attrgetter(leaf), self._distinct)), dtype)
                for leaf, dtype in self._leaves.items()
            }
            self._table = pl.DataFrame(columns)
        return self._table

    def _decode(self, raws: Iterable[bytes]) -> None:
        empty, decode = self._distinct[0], _PARTS[self.name].decode
        for raw in raws:
            try:
                self._distinct.append(decode(raw))
            except UNREADABLE:
                self._bad.add(len(self._distinct))
                self._distinct.append(empty)


def parts(feed: str) -> dict[str, Part]:
    """Every part of a feed's items by name, without any yet."""
    leaves: dict[str, dict[str, pl.DataType]] = {name: {} for name in _NAMES[feed]}
    for column in events.COLUMNS:
        for leaf in column.raw.get(feed, ()):
            part, _, name = leaf.rpartition(".")
            if part:
                leaves[part][name] = column.dtype
    return {name: Part(name, each) for name, each in leaves.items()}


def outline(feed: str, raw: bytes) -> msgspec.Struct:
    """An item of a feed, its parts left as they are. Raises one of `UNREADABLE`."""
    return _OUTLINES[feed].decode(raw)


def outlines(feed: str, raws: Sequence[bytes]) -> list[msgspec.Struct]:
    """The outlines of items. Raises one of `UNREADABLE` if any of them is broken."""
    return list(map(_OUTLINES[feed].decode, raws))
