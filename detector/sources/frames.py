"""Decoded items as rows of the event schema: every column from its leaves, or made of others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import polars as pl

from detector import events, geo
from detector.sources.leaves import constant
from detector.sources.parts import Part

_OLD_ACTIONS: Final = {"u2f_timout": "u2f_timeout"}


def frame(
    feed: str, rows: pl.DataFrame, parts: Mapping[str, Part], received: pl.Series
) -> pl.DataFrame:
    """Rows of a feed with the columns of `events.SCHEMA`, `event.seq` without a value.

    `rows` are those of `shaping.Shaper`: the leaves of items by name, and of each part the number
    that it has in `parts`; `received` is the time of receipt of each row.
    """
    columns: dict[str, pl.Series] = {}
    for column in events.COLUMNS:
        found = [_leaf(column, leaf, rows, parts) for leaf in column.raw.get(feed, ())]
        nothing = constant(None, column.dtype, rows.height)
        columns[column.name] = _first(found) if found else nothing
    columns["event.feed"] = constant(feed, events.TEXT, rows.height)
    columns["event.received"] = received
    return pl.DataFrame(columns).with_columns(_derived(feed, columns))


def _leaf(
    column: events.Column, leaf: str, rows: pl.DataFrame, parts: Mapping[str, Part]
) -> pl.Series:
    """One leaf of every row, with the column's dtype."""
    part, _, name = leaf.rpartition(".")
    return parts[part].column(name, column.dtype).gather(rows[part]) if part else rows[name]


def _first(choices: Sequence[pl.Series]) -> pl.Series:
    """For every item the first leaf that is there."""
    found = choices[0]
    for other in choices[1:]:
        if found.null_count():
            found = found.zip_with(found.is_not_null(), other)
    return found


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
