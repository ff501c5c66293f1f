"""Raw items in, rows of the event schema out, and every broken item with its reason.

Two paths: a strict typed decode of each item (msgspec); an item that fails it is read again
leaf by leaf, keeps what is right, and is set aside only if it has no uuid or no time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import msgspec
import polars as pl

from detector import events, geo
from detector.sources import wire

LONGEST_TEXT: Final = 2_000
"""Characters of a text that a row keeps; the raw record keeps all."""

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
_EMPTY: Final = {name: kind() for name, kind in NESTED.items()}
_DECODERS: Final = {feed: msgspec.json.Decoder(kind) for feed, kind in wire.TYPES.items()}
_EARLIEST_US: Final = 0
_LATEST_US: Final = 7_258_118_400_000_000  # the year 2200
_OLD_ACTIONS: Final = {"u2f_timout": "u2f_timeout"}


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
    decode = _DECODERS[feed].decode
    decoded: list[wire.Item] = []
    raws: list[bytes] = []
    kept: list[int] = []
    flaws: list[Flaw] = []
    for index, raw in enumerate(items):
        try:
            item = decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            found, reason = _mend(feed, raw)
            flaws.append(Flaw(feed, index, reason or str(error), raw, set_aside=found is None))
            if found is None:
                continue
            item = found
        decoded.append(item)
        raws.append(raw)
        kept.append(index)
    frame = _frame(feed, decoded, _arrivals(received, kept))
    if max(map(len, raws), default=0) > LONGEST_TEXT:
        frame = _cut(frame)
    return _without_broken(feed, frame, raws, kept, flaws)


def _arrivals(received: datetime | Sequence[datetime], kept: list[int]) -> pl.Series:
    if isinstance(received, datetime):
        return _constant(received, events.TIME, len(kept))
    return pl.Series([received[index] for index in kept], dtype=events.TIME)


def _mend(feed: str, raw: bytes) -> tuple[wire.Item | None, str]:
    """Read a broken item leaf by leaf; null and the reason if it has no identity."""
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError) as error:
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
    return msgspec.convert(good, wire.TYPES[feed]), "left out: " + ", ".join(wrong or ["nothing"])


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


# Which leaves of the item each column is read from, in order of preference.
_READERS: Final = {
    feed: [(column.name, column.raw[feed]) for column in events.COLUMNS if feed in column.raw]
    for feed in events.FEEDS
}


def _leaves(feed: str) -> dict[str, list[str]]:
    """The leaves that are read of each part of an item of the feed."""
    parts: dict[str, list[str]] = {}
    for _, leaves in _READERS[feed]:
        for leaf in leaves:
            part, _, name = leaf.rpartition(".")
            parts.setdefault(part, []).append(name)
    # attrgetter gives a tuple only for two names or more.
    return {part: names if len(names) > 1 else names * 2 for part, names in parts.items()}


_LEAVES: Final = {feed: _leaves(feed) for feed in events.FEEDS}


def _frame(feed: str, items: list[wire.Item], received: pl.Series) -> pl.DataFrame:
    found = _read(feed, items)
    columns: dict[str, pl.Series] = {}
    for column in events.COLUMNS:
        leaves = column.raw.get(feed)
        values = _first([found[leaf] for leaf in leaves]) if leaves else None
        columns[column.name] = _series(column, values, len(items))
    columns["event.feed"] = _constant(feed, events.TEXT, len(items))
    columns["event.received"] = received
    return pl.DataFrame(columns).with_columns(_derived(feed, columns))


def _read(feed: str, items: list[wire.Item]) -> dict[str, Sequence[Any]]:
    """Every leaf that is read, as one sequence by item."""
    found: dict[str, Sequence[Any]] = {}
    for part, names in _LEAVES[feed].items():
        if part:
            whole = attrgetter(part)
            empty = _EMPTY[part]
            owners: Sequence[Any] = [whole(item) or empty for item in items]
        else:
            owners = items
        rows = map(attrgetter(*names), owners)
        values = list(zip(*rows, strict=True)) if items else [()] * len(names)
        prefix = f"{part}." if part else ""
        found.update({prefix + name: column for name, column in zip(names, values, strict=True)})
    return found


def _first(choices: list[Sequence[Any]]) -> Sequence[Any]:
    """For every item the first leaf that is there."""
    found = choices[0]
    for other in choices[1:]:
        if None not in found:
            break
        found = [value if old is None else old for old, value in zip(found, other, strict=True)]
    return found


def _cut(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text cut to the longest that a row keeps."""
    return frame.with_columns(pl.col(pl.String).str.head(LONGEST_TEXT))


def _series(column: events.Column, values: Sequence[Any] | None, height: int) -> pl.Series:
    if values is None:
        return _constant(None, column.dtype, height)
    if column.dtype == events.TIME:
        return _times(values)
    return pl.Series(values, dtype=column.dtype)


def _constant(value: object, dtype: pl.DataType, height: int) -> pl.Series:
    return pl.Series([value], dtype=dtype).new_from_index(0, height)


def _times(texts: Sequence[str | None]) -> pl.Series:
    """Times in UTC; polars reads RFC 3339, Python the rest (a time without zone is UTC)."""
    raw = pl.Series(texts, dtype=events.TEXT)
    # "%+" is the one format that reads "Z", offsets and any number of fractional digits.
    times = raw.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    if times.null_count() > raw.null_count():
        for index in (times.is_null() & raw.is_not_null()).arg_true():
            times[index] = _lenient(raw[index])
    # Go's zero time, and years that Python's datetime cannot hold, are no times.
    is_sane = times.to_physical().is_between(_EARLIEST_US, _LATEST_US, closed="left")
    if is_sane.all():
        return times
    return times.zip_with(is_sane.fill_null(value=False), _constant(None, events.TIME, len(times)))


def _lenient(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None


@lru_cache(maxsize=4096)
def _country(text: str) -> str | None:
    return geo.country_code(text)


def _derived(feed: str, columns: dict[str, pl.Series]) -> list[pl.Series | pl.Expr]:
    """The columns that are made of others: country code, believable place, person, target."""
    home, account = pl.col("user.account"), pl.col("account.id")
    foreign = home.is_not_null() & account.is_not_null() & (home != account)
    countries = _countries(columns)
    made: list[pl.Series | pl.Expr] = [
        countries.alias("source.country"),
        *_places(columns, countries),
        pl.when(foreign)
        .then(pl.concat_str(home, pl.lit(":"), pl.col("user.id")))
        .otherwise(pl.col("user.id"))
        .alias("person"),
    ]
    if feed == events.AUDIT:
        on_vault = pl.col("object.type").is_in(["vault", "uva", "gva", "vaultkey"])
        is_user = pl.col("object.type") == "user"
        made += [
            pl.when(on_vault).then(pl.col("object.id")).alias("vault.id"),
            pl.coalesce("target.id", pl.when(is_user).then(pl.col("object.id")), "aux.id").alias(
                "target.id"
            ),
            pl.coalesce("target.name", "aux.name").alias("target.name"),
            pl.coalesce("target.email", "aux.email").alias("target.email"),
        ]
    if feed == events.SIGNIN:
        made.append(pl.col("event.type").replace(_OLD_ACTIONS).alias("event.type"))
    return made


def _countries(columns: dict[str, pl.Series]) -> pl.Series:
    """The country code of each row, looked up once for each distinct text."""
    located, plain = columns["location.country"], columns["country"]
    # An empty text says no more than a missing one.
    has_text = (located.str.len_bytes() > 0).fill_null(value=False)
    texts = located.zip_with(has_text, plain)
    known = texts.unique().drop_nulls()
    codes = pl.Series([_country(text) for text in known.to_list()], dtype=events.TEXT)
    return texts.replace_strict(known, codes, default=None, return_dtype=events.TEXT)


def _places(columns: dict[str, pl.Series], countries: pl.Series) -> list[pl.Series]:
    """Latitude and longitude where both can be believed and are not exchanged, else null."""
    north, east = columns["location.latitude"], columns["location.longitude"]
    places = pl.DataFrame({"north": north, "east": east, "country": countries})
    known = places.unique()
    good = [_is_good(*place) for place in known.iter_rows()]
    keep = places.join(
        known.with_columns(pl.Series("good", good, dtype=pl.Boolean())),
        on=places.columns,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )["good"]
    return [
        north.zip_with(keep, _constant(None, north.dtype, len(keep))).alias("source.latitude"),
        east.zip_with(keep, _constant(None, east.dtype, len(keep))).alias("source.longitude"),
    ]


def _is_good(latitude: float | None, longitude: float | None, country: str | None) -> bool:
    if latitude is None or longitude is None or not geo.believable(latitude, longitude):
        return False
    finite = math.isfinite(latitude) and math.isfinite(longitude)
    return finite and not geo.swapped(country, latitude, longitude)


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
