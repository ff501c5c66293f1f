"""Polars expressions of a resolved condition.

A test of a missing value is null; Kleene logic carries it, and it becomes false under each
negation and at the root, which makes the whole two-valued.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import reduce
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import polars as pl

from detector import events
from detector.rulebook.conditions import (
    FIELD_KINDS,
    ORDER_KINDS,
    TIME_KINDS,
    And,
    Condition,
    Constant,
    Glob,
    Kind,
    Literal,
    Not,
    Or,
    Test,
    Wildcard,
    tests,
)

_LOWER: Final = "/lower"
_CASELESS: Final = {Kind.EQUALS, Kind.CONTAINS, Kind.STARTS, Kind.ENDS, Kind.GLOB} | FIELD_KINDS
_LARGEST: Final = 2**63


def lowered(column: str) -> str:
    """The name of the lower-cased copy of a column.

    >>> lowered("user.email")
    'user.email/lower'
    """
    return column + _LOWER


def columns(condition: Condition) -> frozenset[str]:
    """The columns of the frame that a resolved condition reads."""
    named = {test.column for test in tests(condition)}
    others = {
        str(name) for test in tests(condition) if test.kind in FIELD_KINDS for name in test.literals
    }
    return frozenset(named | others)


def caseless(condition: Condition) -> frozenset[str]:
    """The columns of which a resolved condition wants a lower-cased copy."""
    wanted: set[str] = set()
    for test in tests(condition):
        if test.kind in _CASELESS and not test.cased:
            wanted.add(test.column)
            wanted |= set(map(str, test.literals)) if test.kind in FIELD_KINDS else set()
    return frozenset(column for column in wanted if events.SCHEMA[column] == events.TEXT)


def expression(condition: Condition, made: Mapping[Condition, str] | None = None) -> pl.Expr:
    """The verdict on every row of a frame with the columns and their lower-cased copies.

    Null stands for false. `made` names columns that hold the answers of parts or bare tests.
    """
    known = made or {}
    name = known.get(bare(condition) if isinstance(condition, Test) else condition)
    name = name or known.get(condition)
    if name:
        return pl.col(name)
    match condition:
        case Test():
            return _test(condition)
        case Not(part):
            return ~expression(part, known).fill_null(value=False)
        case And(parts):
            return reduce(operator.and_, (expression(part, known) for part in parts))
        case Or(parts):
            return _any(expression(part, known) for part in parts)
        case Constant(holds):
            return pl.lit(holds)


def bare(test: Test) -> Test:
    """The test without the words that do not change its answer."""
    return replace(test, field="", selection="")


def _any(parts: Iterable[pl.Expr]) -> pl.Expr:
    return reduce(operator.or_, parts)


def _test(test: Test) -> pl.Expr:
    if test.kind in FIELD_KINDS:
        return _any(_field(test, str(name)) for name in test.literals)
    if test.kind in TIME_KINDS:
        part = getattr(pl.col(test.column).dt, test.kind.name.lower())()
        return _any(part == literal for literal in test.literals)
    if test.kind in ORDER_KINDS:
        return _ordered(test)
    match test.kind:
        case Kind.NULL:
            return pl.col(test.column).is_null()
        case Kind.EXISTS:
            return pl.col(test.column).is_not_null()
        case Kind.CIDR:
            return _in_networks(test)
        case Kind.EQUALS:
            return _equals(test)
    return _like(test)


def _text(column: str, *, cased: bool) -> pl.Expr:
    if events.SCHEMA[column] != events.TEXT:
        return pl.col(column).cast(pl.String)
    return pl.col(column if cased else lowered(column))


def folded(test: Test) -> tuple[Literal, ...]:
    """The literals as they are compared: in lower case unless the test minds case."""
    return tuple(_folded(literal, cased=test.cased) for literal in test.literals)


def _folded(literal: Literal, *, cased: bool) -> Literal:
    if cased:
        return literal
    if isinstance(literal, str):
        return literal.lower()
    if isinstance(literal, tuple):
        return tuple(part.lower() if isinstance(part, str) else part for part in literal)
    return literal


def _equals(test: Test) -> pl.Expr:
    number = events.SCHEMA[test.column].is_numeric()
    literals = folded(test)
    numbers = [x for x in literals if number and isinstance(x, int | float)]
    words = [str(x) for x in literals if not (number and isinstance(x, int | float))]
    parts = [pl.col(test.column) == _number(x) for x in numbers]
    if words:
        text = _text(test.column, cased=test.cased)
        parts.append(text == words[0] if len(words) == 1 else text.is_in(words))
    return _any(parts)


def _number(value: int | float) -> int | float:
    """Integers that polars cannot hold become floats."""
    return value if abs(value) < _LARGEST else float(value)


_ORDERS: Final[dict[Kind, Callable[[pl.Expr, int | float], pl.Expr]]] = {
    Kind.LT: operator.lt,
    Kind.LTE: operator.le,
    Kind.GT: operator.gt,
    Kind.GTE: operator.ge,
}


def _ordered(test: Test) -> pl.Expr:
    value = pl.col(test.column)
    if not events.SCHEMA[test.column].is_numeric():
        value = value.cast(pl.Float64, strict=False)
    compare = _ORDERS[test.kind]
    held = _any(compare(value, _number(x)) for x in test.literals if isinstance(x, int | float))
    # "nan" is a number greater than all to polars, and a text that anyone can send.
    return held if events.SCHEMA[test.column].is_integer() else held & value.is_finite()


def _like(test: Test) -> pl.Expr:
    text = _text(test.column, cased=test.cased or test.kind is Kind.REGEX)
    literals = folded(test) if test.kind is not Kind.REGEX else test.literals
    if test.kind is Kind.CONTAINS and len(literals) > 2:
        return text.str.contains_any([str(literal) for literal in literals])
    return _any(_likes(text, test.kind, literal) for literal in literals)


def _likes(text: pl.Expr, kind: Kind, literal: Literal) -> pl.Expr:
    match kind:
        case Kind.CONTAINS:
            return text.str.contains(str(literal), literal=True)
        case Kind.STARTS:
            return text.str.starts_with(str(literal))
        case Kind.ENDS:
            return text.str.ends_with(str(literal))
    pattern = glob_pattern(literal) if isinstance(literal, tuple) else str(literal)
    return text.str.contains(pattern)


def glob_pattern(glob: Glob) -> str:
    """The regular expression of a glob, for the whole text.

    >>> glob_pattern(("a.", Wildcard.MANY, "b"))
    '(?s)\\\\A(?:a\\\\..*b)\\\\z'
    """
    signs = {Wildcard.MANY: ".*", Wildcard.ONE: "."}
    parts = [signs[part] if isinstance(part, Wildcard) else re.escape(part) for part in glob]
    return rf"(?s)\A(?:{''.join(parts)})\z"


def _field(test: Test, other: str) -> pl.Expr:
    left, right = (_text(name, cased=test.cased) for name in (test.column, other))
    match test.kind:
        case Kind.FIELD_STARTS:
            return left.str.starts_with(right)
        case Kind.FIELD_ENDS:
            return left.str.ends_with(right)
        case Kind.FIELD_CONTAINS:
            return left.str.contains(right, literal=True)
    return left == right


def _in_networks(test: Test) -> pl.Expr:
    networks = [ip_network(str(literal)) for literal in test.literals]

    def verdicts(addresses: pl.Series) -> pl.Series:
        distinct = addresses.unique().drop_nulls()
        inside = [text for text in distinct if _is_inside(text, networks)]
        return addresses.is_in(pl.Series(inside, dtype=pl.String).implode())

    return _text(test.column, cased=True).map_batches(verdicts, return_dtype=pl.Boolean)


def _is_inside(text: str, networks: list[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
