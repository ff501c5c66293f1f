"""Which columns the fields of a condition mean in one feed; fields that it lacks fold away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from detector import events
from detector.rulebook.conditions import (
    FIELD_KINDS,
    And,
    Condition,
    Constant,
    Kind,
    Not,
    Or,
    Test,
    conjunction,
    disjunction,
    negated,
)

DERIVED: Final = frozenset(
    {
        "event.seq",
        "event.feed",
        "event.received",
        "person",
        "source.country",
        "source.latitude",
        "source.longitude",
    }
)
"""Columns that are made for every feed without a raw name of their own."""
MADE: Final[Mapping[str, frozenset[str]]] = {
    events.AUDIT: DERIVED | {"vault.id"},
    events.SIGNIN: DERIVED,
    events.USAGE: DERIVED,
}


def present(feed: str) -> frozenset[str]:
    """The columns that events of `feed` can have a value in."""
    return MADE[feed] | {column.name for column in events.COLUMNS if feed in column.raw}


def texts(feed: str) -> tuple[str, ...]:
    """The columns that a keyword is looked for in: every text that came with the event."""
    return tuple(
        column.name
        for column in events.COLUMNS
        if feed in column.raw and column.dtype == events.TEXT
    )


def resolved(condition: Condition, feed: str) -> Condition:
    """The condition for events of `feed`: columns in place of fields, folded."""
    return _Resolver(feed).resolve(condition)


class _Resolver:
    """Resolves conditions for one feed."""

    def __init__(self, feed: str) -> None:
        self._columns = events.fields(feed)
        self._present = present(feed)
        self._texts = texts(feed)

    def resolve(self, condition: Condition) -> Condition:
        match condition:
            case Test():
                return self._test(condition)
            case Not(part):
                return negated(self.resolve(part))
            case And(parts):
                return conjunction(tuple(self.resolve(part) for part in parts))
            case Or(parts):
                return disjunction(tuple(self.resolve(part) for part in parts))
        return condition

    def _test(self, test: Test) -> Condition:
        if not test.field:
            return disjunction(tuple(replace(test, column=column) for column in self._texts))
        column = self._columns.get(test.field, "")
        if column not in self._present:
            return Constant(holds=test.kind is Kind.NULL)
        if test.kind not in FIELD_KINDS:
            return replace(test, column=column)
        others = [self._columns.get(str(name), "") for name in test.literals]
        known = tuple(name for name in others if name in self._present)
        return replace(test, column=column, literals=known) if known else Constant(holds=False)
