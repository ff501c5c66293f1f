"""Raw items in, rows of the event schema out, and every broken item with its reason.

Two paths: a strict typed decode of each item (msgspec); an item that fails it is read again
leaf by leaf, keeps what is right, and is set aside only if it has no uuid or no time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import polars as pl

from detector import events
from detector.sources import frames, wire
from detector.sources.parts import NESTED, UNREADABLE, outline, parts

LONGEST_NUMBER: Final = 100
"""Digits of an integer; 64 bits have 19."""
LONGEST_TEXT: Final = 2_000
"""Characters of a text that a row keeps; the raw record keeps all."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """An item that is not as it should be: the reason, and whether it had to be set aside."""

    feed: str
    index: int
    reason: str
    raw: bytes
    set_aside: bool


@dataclass(frozen=True, slots=True)
class Shaped:
    """Rows of the event schema (without seq), the raw bytes of each row, and the flaws.

    `frame` has the columns of `events.SCHEMA`; `event.seq` is null until admission.
    """

    frame: pl.DataFrame
    raws: tuple[bytes, ...]
    flaws: tuple[Flaw, ...]


def shape(feed: str, items: Sequence[bytes], received: datetime | Sequence[datetime]) -> Shaped:
    """Shape the raw `items` of one feed, received at one time or at one time each (UTC)."""
    outlines: dict[int, msgspec.Struct] = {}
    broken: list[int] = []
    for index, raw in enumerate(items):
        try:
            outlines[index] = outline(feed, raw)
        except UNREADABLE:
            broken.append(index)
    made = parts(feed, list(outlines.values()))
    kept = list(outlines)
    broken += [kept[place] for part in made.values() for place in part.broken]
    flaws: list[Flaw] = []
    if broken:
        flaws = [_mend(feed, index, items[index], outlines) for index in sorted(set(broken))]
        kept = sorted(outlines)
        made = parts(feed, [outlines[index] for index in kept])
    raws = [items[index] for index in kept]
    whole = [outlines[index] for index in kept]
    frame = frames.frame(feed, whole, made, _arrivals(received, kept))
    if max(map(len, raws), default=0) > LONGEST_TEXT:
        frame = _cut(frame)
    return _without_broken(feed, frame, raws, kept, flaws)


def _arrivals(received: datetime | Sequence[datetime], kept: list[int]) -> pl.Series:
    if isinstance(received, datetime):
        return frames.constant(received, events.TIME, len(kept))
    return pl.Series([received[index] for index in kept], dtype=events.TIME)


def _mend(feed: str, index: int, raw: bytes, outlines: dict[int, msgspec.Struct]) -> Flaw:
    """Read a broken item leaf by leaf; what can be kept of it becomes its outline."""
    good, reason = _readable(feed, raw)
    outlines.pop(index, None)
    if good is not None:
        outlines[index] = outline(feed, msgspec.json.encode(good))
    return Flaw(feed, index, reason, raw, set_aside=good is None)


def _readable(feed: str, raw: bytes) -> tuple[dict[str, Any] | None, str]:
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


def _cut(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text cut to the longest that a row keeps."""
    return frame.with_columns(pl.col(pl.String).str.head(LONGEST_TEXT))


def _without_broken(
    feed: str, frame: pl.DataFrame, raws: list[bytes], kept: list[int], flaws: list[Flaw]
) -> Shaped:
    """Set aside the rows whose uuid is empty or too long or whose time could not be read."""
    identity = pl.col("event.id").str.len_bytes().is_between(1, 200)
    good = (
        frame.select(identity & pl.col("event.time").is_not_null())
        .to_series()
        .fill_null(value=False)
    )
    if good.all():
        return Shaped(frame, tuple(raws), tuple(flaws))
    for row in (~good).arg_true():
        reason = (
            "timestamp: not a time"
            if frame["event.time"][row] is None
            else "uuid: empty or too long"
        )
        flaws.append(Flaw(feed, kept[row], reason, raws[row], set_aside=True))
    return Shaped(
        frame.filter(good),
        tuple(raw for raw, ok in zip(raws, good, strict=True) if ok),
        tuple(flaws),
    )
