"""Decoded items as rows of the event schema: every column from its leaves, or made of others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import msgspec
import polars as pl

from detector import events, geo
from detector.sources.parts import Part

_EARLIEST_US: Final = 0
_LATEST_US: Final = 7_258_118_400_000_000  # the year 2200
_OLD_ACTIONS: Final = {"u2f_timout": "u2f_timeout"}


def frame(
    feed: str, items: Sequence[msgspec.Struct], parts: dict[str, Part], received: pl.Series
) -> pl.DataFrame:
    """Items of a feed as rows with the columns of `events.SCHEMA`, `event.seq` without a value.

    `parts` are the nested parts of the items by name, `received` the time of receipt of each.
    """
    columns: dict[str, pl.Series] = {}
    for column in events.COLUMNS:
        found = [_leaf(column, leaf, items, parts) for leaf in column.raw.get(feed, ())]
        nothing = constant(None, column.dtype, len(items))
        columns[column.name] = _first(found) if found else nothing
    columns["event.feed"] = constant(feed, events.TEXT, len(items))
    columns["event.received"] = received
    return pl.DataFrame(columns).with_columns(_derived(feed, columns))


def _leaf(
    column: events.Column, leaf: str, items: Sequence[msgspec.Struct], parts: dict[str, Part]
) -> pl.Series:
    """One leaf of every item, with the column's dtype."""
    part, _, name = leaf.rpartition(".")
    if not part:
        return _series(column, list(map(attrgetter(name), items)))
    mine = parts[part]
    return _series(column, list(map(attrgetter(name), mine.distinct))).gather(mine.places)


def _first(choices: Sequence[pl.Series]) -> pl.Series:
    """For every item the first leaf that is there."""
    found = choices[0]
    for other in choices[1:]:
        if found.null_count():
            found = found.zip_with(found.is_not_null(), other)
    return found


def _series(column: events.Column, values: Sequence[Any]) -> pl.Series:
    if column.dtype == events.TIME:
        return _times(values)
    return pl.Series(values, dtype=column.dtype)


def constant(value: object, dtype: pl.DataType, height: int) -> pl.Series:
    """A column of one value."""
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
    return times.zip_with(is_sane.fill_null(value=False), constant(None, events.TIME, len(times)))


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
        north.zip_with(keep, constant(None, north.dtype, len(keep))).alias("source.latitude"),
        east.zip_with(keep, constant(None, east.dtype, len(keep))).alias("source.longitude"),
    ]


def _is_good(latitude: float | None, longitude: float | None, country: str | None) -> bool:
    if latitude is None or longitude is None or not geo.believable(latitude, longitude):
        return False
    finite = math.isfinite(latitude) and math.isfinite(longitude)
    return finite and not geo.swapped(country, latitude, longitude)
