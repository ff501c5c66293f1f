"""One column of a frame as rules look at it: its distinct values, and the rows that have them."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from detector.rulebook.conditions import ANY_TEXT
from detector.rulebook.expressions import CASED, TEXT, VALUE
from detector.rulebook.schemas import Schema

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
FEW: Final = 4_000
"""Rows up to which it costs more to find the distinct values than to look at all of them."""


class View:
    """The values of a column. `codes` says which value each cell has, `rows` whose cell it is."""

    def __init__(
        self, values: pl.Series, height: int, codes: Rows | None = None, rows: Rows | None = None
    ) -> None:
        self.values = values
        self.dtype = values.dtype
        self._height = height
        self._codes = codes
        self._rows = rows

    @cached_property
    def cased(self) -> pl.Series:
        """The values as texts."""
        if self.dtype == pl.String:
            return self.values
        return self.values.cast(pl.String)

    @cached_property
    def text(self) -> pl.Series:
        """The values as texts in lower case."""
        return self.cased.str.to_lowercase()

    def answers(self, expression: pl.Expr, among: Mask | None = None) -> Mask:
        """The rows for which an expression over `VALUE`, `TEXT` and `CASED` holds.

        With `among`, only the answers for those rows count, and only their values are looked at.
        """
        looked = None if among is None else self._values_of(among)
        frame = pl.DataFrame(
            [
                (series if looked is None else series.gather(looked)).alias(name)
                for name, series in self._named(expression)
            ]
        )
        steps = frame.lazy().select(expression.fill_null(value=False).alias(VALUE))
        held = quick(steps)[VALUE].to_numpy()
        if looked is None:
            return self.spread(held)
        return self.having(looked[held])

    def _values_of(self, rows: Mask) -> Rows:
        """The places of the values that any of these rows has."""
        cells = rows if self._rows is None else rows[self._rows]
        return np.flatnonzero(cells) if self._codes is None else np.unique(self._codes[cells])

    def _named(self, expression: pl.Expr) -> list[tuple[str, pl.Series]]:
        made = {VALUE: "values", TEXT: "text", CASED: "cased"}
        wanted = set(expression.meta.root_names())
        return [(name, getattr(self, made[name])) for name in made if name in wanted]

    def spread(self, held: Mask) -> Mask:
        """The rows that have any of the values for which something held."""
        cells = held if self._codes is None else held[self._codes]
        if self._rows is None:
            return cells
        mask = np.zeros(self._height, dtype=np.bool_)
        mask[self._rows[cells]] = True
        return mask

    def having(self, values: Rows) -> Mask:
        """The rows that have any of the values at these places."""
        held = np.zeros(len(self.values), dtype=np.bool_)
        held[values] = True
        return self.spread(held)


def view(frame: pl.DataFrame, column: str, schema: Schema) -> View:
    """The view of a column, or of every text of the event for `ANY_TEXT`."""
    if column == ANY_TEXT:
        return _stacked(frame, schema)
    series = frame[column]
    rows = None
    if isinstance(series.dtype, pl.List):
        series, rows = _cells(series)
    return _coded(series, frame.height, rows)


def missing(frame: pl.DataFrame, column: str) -> Mask:
    """The rows in which a column has no value; an empty list is none."""
    series = frame[column]
    nothing = series.is_null()
    if isinstance(series.dtype, pl.List):
        nothing |= (series.list.drop_nulls().list.len() == 0).fill_null(value=True)
    return nothing.to_numpy()


def quick(steps: pl.LazyFrame) -> pl.DataFrame:
    """Collect steps that are as short as they can be, without what the optimizer would cost."""
    return steps.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())


def _cells(series: pl.Series) -> tuple[pl.Series, Rows]:
    """The values of a column of lists one by one, and the row of each."""
    sizes = series.list.len().fill_null(0).to_numpy()
    rows = np.repeat(np.arange(len(series)), sizes)
    return series.drop_nulls().explode(empty_as_null=False), rows


def _stacked(frame: pl.DataFrame, schema: Schema) -> View:
    parts: list[pl.Series] = []
    rows: list[Rows] = []
    for column in schema.texts:
        series = frame[column]
        at = np.arange(len(series))
        if isinstance(series.dtype, pl.List):
            series, at = _cells(series)
        there = series.is_not_null()
        if there.any():
            parts.append(series.filter(there).cast(pl.String))
            rows.append(at[there.to_numpy()])
    if not parts:
        return View(pl.Series([], dtype=pl.String), frame.height, None, np.empty(0, dtype=np.intp))
    return _coded(pl.concat(parts), frame.height, np.concatenate(rows))


def _coded(series: pl.Series, height: int, rows: Rows | None) -> View:
    """The view of single values, on distinct ones where there are many rows and few values."""
    if series.dtype != pl.String or len(series) <= FEW:
        return View(series, height, None, rows)
    values = series.unique()
    if len(values) * 2 > len(series):
        return View(series, height, None, rows)
    known = values.drop_nulls()
    codes = series.cast(pl.Enum(known)).to_physical().fill_null(len(known))
    # A missing value is the last of the values, so that its answer is found like any other.
    last = pl.Series([None], dtype=pl.String)
    return View(pl.concat([known, last]), height, codes.to_numpy().astype(np.intp), rows)
