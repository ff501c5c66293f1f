"""Decoded items as rows of the event schema: every column from its leaves, or made of others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl

from detector import events, geo
from detector.numbering import coded, together
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
    tables = {name: part.table()[rows[name]] for name, part in parts.items()}
    found = {
        column.name: _first([_leaf(leaf, rows, tables) for leaf in column.raw[feed]])
        for column in events.COLUMNS
        if feed in column.raw
    }
    found |= _whereabouts(rows, found)
    found["event.received"] = received
    return pl.DataFrame(found).select(_COLUMNS[feed])


def _leaf(leaf: str, rows: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
    """One leaf of every row."""
    part, _, name = leaf.rpartition(".")
    return tables[part][name] if part else rows[name]


def _first(choices: Sequence[pl.Series]) -> pl.Series:
    """For every item the first leaf that is there."""
    found = choices[0]
    for other in choices[1:]:
        if found.null_count():
            found = found.zip_with(found.is_not_null(), other)
    return found


def _derived(feed: str) -> dict[str, pl.Expr]:
    """The columns that are made of others: person, target, vault."""
    home, account = pl.col("user.account"), pl.col("account.id")
    foreign = home.is_not_null() & account.is_not_null() & (home != account)
    made = {
        "event.feed": pl.lit(feed),
        "person": pl.when(foreign)
        .then(pl.concat_str(home, pl.lit(":"), pl.col("user.id")))
        .otherwise(pl.col("user.id")),
    }
    if feed == events.AUDIT:
        on_vault = pl.col("object.type").is_in(["vault", "uva", "gva", "vaultkey"])
        is_user = pl.col("object.type") == "user"
        made |= {
            "vault.id": pl.when(on_vault).then(pl.col("object.id")),
            "target.id": pl.coalesce(
                "target.id", pl.when(is_user).then(pl.col("object.id")), "aux.id"
            ),
            "target.name": pl.coalesce("target.name", "aux.name"),
            "target.email": pl.coalesce("target.email", "aux.email"),
        }
    if feed == events.SIGNIN:
        made["event.type"] = pl.col("event.type").replace(_OLD_ACTIONS)
    return made


def _columns(feed: str) -> list[pl.Expr]:
    """Every column of the schema, of the leaves of a feed; null what it does not have."""
    made, there = _derived(feed), {column.name for column in events.COLUMNS if feed in column.raw}
    there |= {"event.received", *_WHEREABOUTS}
    nulls = {name: pl.lit(None, dtype) for name, dtype in events.SCHEMA.items()}
    plain = {name: pl.col(name) for name in there}
    return [(nulls | plain | made)[name].alias(name) for name in events.SCHEMA]


def _whereabouts(rows: pl.DataFrame, found: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """Country code, latitude and longitude of each row, asked once for each location and country.

    A place is null where it cannot be believed or its coordinates are exchanged.
    """
    nothing = constant(None, events.TEXT, rows.height)
    located = pl.DataFrame({name: found.get(name, nothing) for name in _LOCATION})
    told = [rows["location"].to_numpy().astype(np.int64)]
    if "country" in found:
        told += coded(located, ["country"]).values()
    numbers, firsts = together(told)
    places = [_whereabout(*each) for each in located[firsts].iter_rows()]
    known = pl.DataFrame(places, schema=_WHEREABOUTS, orient="row")
    return {each.name: each for each in known[numbers]}


_LOCATION: Final = ("location.country", "country", "location.latitude", "location.longitude")
_WHEREABOUTS: Final = {
    name: events.SCHEMA[name] for name in ("source.country", "source.latitude", "source.longitude")
}


@lru_cache(maxsize=16_384)
def _whereabout(
    located: str | None, stated: str | None, north: float | None, east: float | None
) -> tuple[str | None, float | None, float | None]:
    # An empty text says no more than a missing one.
    text = located or stated
    country = None if text is None else geo.country_code(text)
    return (country, north, east) if _is_good(north, east, country) else (country, None, None)


def _is_good(latitude: float | None, longitude: float | None, country: str | None) -> bool:
    if latitude is None or longitude is None or not geo.believable(latitude, longitude):
        return False
    finite = math.isfinite(latitude) and math.isfinite(longitude)
    return finite and not geo.swapped(country, latitude, longitude)


_COLUMNS: Final = {feed: _columns(feed) for feed in events.FEEDS}
