"""The values of a column one by one: single ones, those of lists, or every text of a row."""

from __future__ import annotations

import numpy as np
import polars as pl

from detector.rulebook.bits import Rows
from detector.rulebook.conditions import ANY_TEXT
from detector.rulebook.schemas import Schema


def cells(frame: pl.DataFrame, column: str, schema: Schema) -> tuple[pl.Series, Rows]:
    """The values that there are, and the row of each. Those of `ANY_TEXT` are texts."""
    if column == ANY_TEXT:
        return _everywhere(frame, schema)
    series = frame[column]
    if isinstance(series.dtype, pl.List):
        sizes = series.list.len().fill_null(0).to_numpy()
        rows = np.repeat(np.arange(len(series)), sizes)
        series = series.drop_nulls().explode(empty_as_null=False)
    else:
        rows = np.arange(len(series))
    if not series.null_count():
        return series, rows
    there = series.is_not_null()
    return series.filter(there), rows[there.to_numpy()]


def _everywhere(frame: pl.DataFrame, schema: Schema) -> tuple[pl.Series, Rows]:
    found = [cells(frame, column, schema) for column in schema.texts]
    texts = [series.cast(pl.String) for series, _ in found]
    none: Rows = np.empty(0, dtype=np.int64)
    return (
        pl.concat([pl.Series([], dtype=pl.String), *(each.alias("") for each in texts)]),
        np.concatenate([none, *(rows for _, rows in found)]),
    )
