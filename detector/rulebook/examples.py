"""An item that a rule matches, made from its condition: what `use:` in a story stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import islice
from typing import Any, Final

import polars as pl
from msgspec.structs import replace

from detector import events
from detector.rulebook import times
from detector.rulebook.book import Match
from detector.rulebook.conditions import (
    ANY_TEXT,
    EXTENDED_KINDS,
    FIELD_KINDS,
    TIME_KINDS,
    And,
    Condition,
    Constant,
    Kind,
    Literal,
    Not,
    Or,
    Test,
    Wildcard,
)
from detector.rulebook.matching import plan
from detector.rulebook.resolving import resolved
from detector.rulebook.schemas import Schema, of_feed

MOST_TRIES: Final = 500
Row = Mapping[str, Any]
_MONDAY: Final = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)
_USUAL: Final = {"source.ip": "198.51.100.7", "source.country": "FR", "location.country": "FR"}
_RAW: Final = {
    "person": "user.id",
    "source.country": "location.country",
    "source.latitude": "location.latitude",
    "source.longitude": "location.longitude",
}
"""Columns without a raw name, and the column whose raw name makes them."""


class NoExample(Exception):
    """No event was found that the rule matches."""


def example(match: Match, feed: str | None = None) -> dict[str, Any]:
    """Fields of a raw item of `feed` (else the rule's first) that the rule matches.

    Only what the condition asks for is there. Raises NoExample.
    """
    chosen = feed or match.feeds[0]
    schema = of_feed(chosen)
    condition = _placed(resolved(match.condition, schema), schema)
    rows = [row for row in islice(_ways(condition, {}), MOST_TRIES) if row is not None]
    step = plan(schema, {match.rule.id: match.condition})
    if not rows or step is None:
        raise NoExample(match.rule.name)
    frame = pl.DataFrame(
        [{**dict.fromkeys(events.SCHEMA), **row, "event.feed": chosen} for row in rows],
        schema=events.SCHEMA,
    )
    for _, good in step.hits(frame):
        return _raw(rows[good[0]], chosen)
    raise NoExample(match.rule.name)


def _placed(condition: Condition, schema: Schema) -> Condition:
    """The condition with keywords as tests of every text that they are looked for in."""
    match condition:
        case Test(column=column) if column == ANY_TEXT:
            return Or(tuple(replace(condition, column=name) for name in schema.texts))
        case Not(part):
            return Not(_placed(part, schema))
        case And(parts):
            return And(tuple(_placed(part, schema) for part in parts))
        case Or(parts):
            return Or(tuple(_placed(part, schema) for part in parts))
    return condition


def _ways(condition: Condition, row: Row) -> Iterator[Row]:
    """Rows that may satisfy the condition and keep what `row` has; the caller tries them."""
    match condition:
        case Test():
            yield from _answers(condition, row)
        case Or(parts):
            for part in parts:
                yield from _ways(part, row)
        case And((first, *rest)):
            for way in _ways(first, row):
                yield from _ways(And(tuple(rest)), way)
        case Not(Test(kind=Kind.NULL, column=column)):
            yield from _answers(Test("", Kind.EXISTS, column=column), row)
        case Constant(holds=False):
            return
        case _:
            # What is left out fails every test, so a negation holds.
            yield row


def _answers(test: Test, row: Row) -> Iterator[Row]:
    if test.kind is Kind.NULL:
        yield row
        return
    if test.kind in FIELD_KINDS:
        other = str(test.literals[0])
        value = row.get(test.column) or row.get(other) or "SAMEVALUE"
        yield {**row, test.column: value, other: value}
        return
    values = [_answer(test, literal) for literal in test.literals] or [_usual(test.column)]
    old = row.get(test.column)
    if old is None:
        yield from ({**row, test.column: value} for value in values)
        return
    yield row
    for value in values:
        yield {**row, test.column: value}
        if isinstance(old, str) and isinstance(value, str):
            yield {**row, test.column: old + value}
            yield {**row, test.column: value + old}


def _usual(column: str) -> Any:
    dtype = events.SCHEMA[column]
    if dtype == events.TIME:
        return _MONDAY
    return _USUAL.get(column, "SOMETHING") if dtype == events.TEXT else 1


def _answer(test: Test, literal: Literal) -> Any:
    """A value for which the test holds, as the column's type."""
    if isinstance(literal, tuple):
        signs = {Wildcard.MANY: "", Wildcard.ONE: "x"}
        return "".join(signs[part] if isinstance(part, Wildcard) else part for part in literal)
    if test.kind in EXTENDED_KINDS:
        return times.example(test, literal)
    if test.kind in TIME_KINDS:
        return _time(test.kind, int(literal))
    if test.kind is Kind.CIDR:
        network = ip_network(str(literal))
        return str(network[min(1, network.num_addresses - 1)])
    if isinstance(literal, int | float):
        value = literal + {Kind.LT: -1, Kind.GT: 1}.get(test.kind, 0)
        return value if events.SCHEMA[test.column].is_numeric() else str(value)
    return literal


def _time(kind: Kind, number: int) -> datetime:
    steps = {
        Kind.MINUTE: lambda: _MONDAY.replace(minute=number),
        Kind.HOUR: lambda: _MONDAY.replace(hour=number),
        Kind.DAY: lambda: _MONDAY.replace(day=number),
        Kind.MONTH: lambda: _MONDAY.replace(month=number),
        Kind.YEAR: lambda: _MONDAY.replace(year=number),
    }
    try:
        return steps[kind]() if kind in steps else _MONDAY + timedelta(weeks=number - 2)
    except (ValueError, OverflowError):
        return _MONDAY


def _raw(row: Row, feed: str) -> dict[str, Any]:
    """A row as a nested raw item."""
    item: dict[str, Any] = {}
    for column, value in row.items():
        name = _raw_name(column, feed)
        if name is None or value is None:
            continue
        *parents, leaf = name.split(".")
        inner = item
        for parent in parents:
            inner = inner.setdefault(parent, {})
        text = isinstance(value, datetime)
        inner.setdefault(leaf, value.isoformat().replace("+00:00", "Z") if text else value)
    return item


def _raw_name(column: str, feed: str) -> str | None:
    if column == "vault.id" and feed == events.AUDIT:
        column = "object.id"
    names = {known.name: known.raw.get(feed, ()) for known in events.COLUMNS}
    raw = names[column] or names[_RAW.get(column, column)]
    return raw[0] if raw else None
