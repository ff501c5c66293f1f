"""What rules may ask of the events of one log source: its names, their columns and dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl

from detector import events

DERIVED: Final = frozenset(
    {
        "event.seq",
        "event.feed",
        "event.received",
        "person",
        "source.country",
        "source.latitude",
        "source.longitude",
        "source.as.number",
        "source.as.name",
        "source.kind",
        "source.radius_km",
    }
)
"""Columns that are made for every feed without a raw name of their own."""
MADE: Final[Mapping[str, frozenset[str]]] = {
    events.AUDIT: DERIVED | {"vault.id"},
    events.SIGNIN: DERIVED,
    events.USAGE: DERIVED,
}


@dataclass(frozen=True)
class Schema:
    """One shape of events. `dtypes` has the columns that can hold a value, and only those.

    `fields` maps every name that a rule may use to a column, which may be none of `dtypes`;
    `texts` are the columns that a keyword is looked for in.
    """

    name: str
    fields: Mapping[str, str]
    dtypes: Mapping[str, pl.DataType]
    texts: tuple[str, ...]

    def column(self, field: str) -> str | None:
        """The column that a rule's field means; null if these events never have it."""
        column = self.fields.get(field, "")
        return column if column in self.dtypes else None

    def has(self, fields: Iterable[str]) -> bool:
        """True if these events can have a value in each of the fields."""
        return all(self.column(field) for field in fields)


@cache
def of_feed(feed: str) -> Schema:
    """The schema of one of 1Password's feeds."""
    known = {column.name for column in events.COLUMNS if feed in column.raw} | MADE[feed]
    return Schema(
        feed,
        events.fields(feed),
        {name: dtype for name, dtype in events.SCHEMA.items() if name in known},
        tuple(
            column.name
            for column in events.COLUMNS
            if feed in column.raw and column.dtype == events.TEXT
        ),
    )
