"""Leaves of items as columns: texts, numbers, and times however they were written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import polars as pl

from detector import events

_EARLIEST_US: Final = 0
_LATEST_US: Final = 7_258_118_400_000_000  # the year 2200
_ANY: Final = "%+"
"""The one format that reads "Z", offsets and any number of fractional digits."""
_LAYOUTS: Final = {
    len("2026-03-01T16:32:50." + "0" * digits + "Z"): f"%Y-%m-%dT%H:%M:%S.%{digits}fZ"
    for digits in (3, 6, 9)
}
"""The usual layouts by their length."""


def series(values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    """Decoded values as a column; a text that is no time becomes null in a column of times."""
    return times(values) if dtype == events.TIME else pl.Series(values, dtype=dtype)


def constant(value: object, dtype: pl.DataType, height: int) -> pl.Series:
    """A column of one value."""
    return pl.Series([value], dtype=dtype).new_from_index(0, height)


def times(texts: Sequence[str | None]) -> pl.Series:
    """Times in UTC; polars reads RFC 3339, Python the rest (a time without zone is UTC)."""
    raw = pl.Series(texts, dtype=events.TEXT)
    found = written(raw)
    if found.null_count() > raw.null_count():
        rest = (found.is_null() & raw.is_not_null()).arg_true()
        found = found.scatter(rest, pl.Series([*map(_moment, raw.gather(rest))], dtype=events.TIME))
    # Go's zero time, and years that Python's datetime cannot hold, are no times.
    moments = found.to_numpy().view(np.int64)
    is_sane = (moments >= _EARLIEST_US) & (moments < _LATEST_US)
    if is_sane.all():
        return found
    return found.zip_with(pl.Series(is_sane), constant(None, events.TIME, len(found)))


def written(raw: pl.Series) -> pl.Series:
    """Times as RFC 3339 writes them, null where a text is none."""
    # Most are written alike, and what keeps to one layout is read in a third of the time.
    first = len(raw[0] or "") if len(raw) else 0
    found = _in(raw, _LAYOUTS.get(first, _ANY))
    if found.null_count() > raw.null_count():
        rest = (found.is_null() & raw.is_not_null()).arg_true()
        found = found.scatter(rest, _in(raw.gather(rest), _ANY))
    return found


def _in(raw: pl.Series, layout: str) -> pl.Series:
    return raw.str.to_datetime(layout, time_unit="us", time_zone="UTC", strict=False)


def _moment(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None
