"""Polars expressions of single tests, over the values of one column or the rows of a frame.

A test of a missing value is null or false, which is the same: whoever asks fills it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Final

import polars as pl

from detector.rulebook import times
from detector.rulebook.conditions import TIME_KINDS, Kind, Literal, Test

VALUE: Final = "value"
"""The column of values."""
_LARGEST: Final = 2**63


def value_expression(test: Test, dtype: pl.DataType) -> pl.Expr:
    """The answers of a test about times or numbers for the values of one column (`VALUE`)."""
    value = pl.col(VALUE)
    if test.kind in TIME_KINDS:
        return times.holds(test, value if dtype.is_temporal() else times.read(value))
    if test.kind is Kind.EQUALS:
        return _any(value == _number(literal) for literal in test.literals)
    return _ordered(test, dtype)


def field_expression(test: Test) -> pl.Expr:
    """The answers of a test against other fields, for a frame of their texts by column name."""
    return _any(_field(test.kind, test.column, str(name)) for name in test.literals)


def quick(steps: pl.LazyFrame) -> pl.DataFrame:
    """Collect steps that are as short as they can be, without what the optimizer would cost."""
    return steps.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())


def _any(parts: Iterable[pl.Expr]) -> pl.Expr:
    return reduce(operator.or_, parts)


def _number(value: Literal) -> int | float:
    """Integers that polars cannot hold become floats."""
    assert isinstance(value, int | float)
    return value if abs(value) < _LARGEST else float(value)


_ORDERS: Final[dict[Kind, Callable[[pl.Expr, int | float], pl.Expr]]] = {
    Kind.LT: operator.lt,
    Kind.LTE: operator.le,
    Kind.GT: operator.gt,
    Kind.GTE: operator.ge,
}


def _ordered(test: Test, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(VALUE)
    if not dtype.is_numeric():
        value = value.cast(pl.String).cast(pl.Float64, strict=False)
    compare = _ORDERS[test.kind]
    held = _any(compare(value, _number(x)) for x in test.literals if not isinstance(x, str))
    # "nan" is a number greater than all to polars, and a text that anyone can send.
    return held if dtype.is_integer() else held & value.is_finite()


def _field(kind: Kind, left: str, right: str) -> pl.Expr:
    one, other = pl.col(left), pl.col(right)
    match kind:
        case Kind.FIELD_STARTS:
            return one.str.starts_with(other)
        case Kind.FIELD_ENDS:
            return one.str.ends_with(other)
        case Kind.FIELD_CONTAINS:
            return one.str.contains(other, literal=True)
    return one == other
