"""Polars expressions of single tests, over the values of one column or the rows of a frame.

A test of a missing value is null or false, which is the same: whoever asks fills it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Final

import polars as pl

from detector.rulebook import times
from detector.rulebook.conditions import (
    LITERAL_KINDS,
    ORDER_KINDS,
    TIME_KINDS,
    Glob,
    Kind,
    Literal,
    Test,
    Wildcard,
)

VALUE: Final = "value"
"""The column of values as they came."""
TEXT: Final = "text"
"""The column of the same values as texts, in lower case."""
CASED: Final = "cased"
"""The column of the same values as texts."""
_LARGEST: Final = 2**63


def value_expression(test: Test, dtype: pl.DataType) -> pl.Expr:
    """The answers of a test for a frame of one column's values (`VALUE`, `TEXT`, `CASED`)."""
    if test.kind in TIME_KINDS:
        time = pl.col(VALUE)
        if not dtype.is_temporal():
            time = times.read(time)
        return times.holds(test, time)
    if test.kind in ORDER_KINDS:
        return _ordered(test, dtype)
    if test.kind in LITERAL_KINDS:
        return _any(_literal(test, dtype, literal) for literal in folded(test))
    text = pl.col(CASED if test.cased or test.kind is Kind.REGEX else TEXT)
    return _any(text.str.contains(_pattern(literal)) for literal in folded(test))


def _literal(test: Test, dtype: pl.DataType, literal: Literal) -> pl.Expr:
    """A literal that no index can look for: a number among numbers, or an odd text."""
    if test.kind is Kind.EQUALS and dtype.is_numeric() and not _is_text(literal):
        return pl.col(VALUE) == _number(literal)
    text, word = pl.col(CASED if test.cased else TEXT), pl.lit(str(literal))
    match test.kind:
        case Kind.CONTAINS:
            return text.str.contains(word, literal=True)
        case Kind.STARTS:
            return text.str.starts_with(word)
        case Kind.ENDS:
            return text.str.ends_with(word)
    return text == word


def field_expression(test: Test) -> pl.Expr:
    """The answers of a test against other fields, for a frame of their texts by column name."""
    return _any(_field(test.kind, test.column, str(name)) for name in test.literals)


def folded(test: Test) -> tuple[Literal, ...]:
    """The literals as they are compared: in lower case unless the test minds case."""
    if test.cased or test.kind is Kind.REGEX:
        return test.literals
    return tuple(_folded(literal) for literal in test.literals)


def glob_pattern(glob: Glob) -> str:
    """The regular expression of a glob, for the whole text.

    >>> glob_pattern(("a.", Wildcard.MANY, "b"))
    '(?s)\\\\A(?:a\\\\..*b)\\\\z'
    """
    signs = {Wildcard.MANY: ".*", Wildcard.ONE: "."}
    parts = [signs[part] if isinstance(part, Wildcard) else re.escape(part) for part in glob]
    return rf"(?s)\A(?:{''.join(parts)})\z"


def _any(parts: Iterable[pl.Expr]) -> pl.Expr:
    return reduce(operator.or_, parts)


def _is_text(literal: Literal) -> bool:
    return isinstance(literal, str | tuple)


def _folded(literal: Literal) -> Literal:
    if isinstance(literal, str):
        return literal.lower()
    if isinstance(literal, tuple):
        return tuple(part.lower() if isinstance(part, str) else part for part in literal)
    return literal


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
        value = pl.col(CASED).cast(pl.Float64, strict=False)
    compare = _ORDERS[test.kind]
    held = _any(compare(value, _number(x)) for x in test.literals if not _is_text(x))
    # "nan" is a number greater than all to polars, and a text that anyone can send.
    return held if dtype.is_integer() else held & value.is_finite()


def _pattern(literal: Literal) -> str:
    return glob_pattern(literal) if isinstance(literal, tuple) else str(literal)


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
