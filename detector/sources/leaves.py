"""Leaves of items as columns: texts, numbers, and times however they were written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from detector import events

_EARLIEST_US: Final = 0
_LATEST_US: Final = 7_258_118_400_000_000  # the year 2200


def series(values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    """Decoded values as a column; a text that is no time becomes null in a column of times."""
    return times(values) if dtype == events.TIME else pl.Series(values, dtype=dtype)


def constant(value: object, dtype: pl.DataType, height: int) -> pl.Series:
    """A column of one value."""
    return pl.Series([value], dtype=dtype).new_from_index(0, height)


def times(texts: Sequence[str | None]) -> pl.Series:
    """Times in UTC; polars reads RFC 3339, Python the rest (a time without zone is UTC)."""
    raw = pl.Series(texts, dtype=events.TEXT)
    # "%+" is the one format that reads "Z", offsets and any number of fractional digits.
    found = raw.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    if found.null_count() > raw.null_count():
        for index in (found.is_null() & raw.is_not_null()).arg_true():
            found[index] = _lenient(raw[index])
    # Go's zero time, and years that Python's datetime cannot hold, are no times.
    is_sane = found.to_physical().is_between(_EARLIEST_US, _LATEST_US, closed="left")
    if is_sane.all():
        return found
    return found.zip_with(is_sane.fill_null(value=False), constant(None, events.TIME, len(found)))


def _lenient(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None
