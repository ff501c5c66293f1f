"""The intermediate form of a condition: what is asked of an event, and nothing about how.

Polars expressions, explanations and examples are all made of it, and it is what is kept of a
rule on disk. Two-valued: a test of a missing field does not hold, so its negation does.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, StrEnum

from msgspec import Struct
from msgspec.structs import replace


class Kind(StrEnum):
    """What a test asks of a field; the values are the words of explanations."""

    EQUALS = "is"
    CONTAINS = "contains"
    STARTS = "starts with"
    ENDS = "ends with"
    GLOB = "looks like"
    REGEX = "matches"
    CIDR = "is in network"
    LT = "is less than"
    LTE = "is at most"
    GT = "is more than"
    GTE = "is at least"
    NULL = "is missing"
    EXISTS = "is there"
    FIELD_EQUALS = "is the same as"
    FIELD_STARTS = "starts with the value of"
    FIELD_ENDS = "ends with the value of"
    FIELD_CONTAINS = "contains the value of"
    MINUTE = "has the minute"
    HOUR = "has the hour"
    DAY = "has the day of the month"
    WEEK = "has the week"
    MONTH = "has the month"
    YEAR = "has the year"
    TIMERANGE = "has a time of day in"
    DAY_OF_WEEK = "is on the weekday"
    DAY_OF_YEAR = "is on the day of the year"
    PUBLIC_HOLIDAY_IN = "is on a public holiday in"


FIELD_KINDS = frozenset(
    {Kind.FIELD_EQUALS, Kind.FIELD_STARTS, Kind.FIELD_ENDS, Kind.FIELD_CONTAINS}
)
LITERAL_KINDS = frozenset({Kind.EQUALS, Kind.CONTAINS, Kind.STARTS, Kind.ENDS})
EXTENDED_KINDS = frozenset(
    {Kind.TIMERANGE, Kind.DAY_OF_WEEK, Kind.DAY_OF_YEAR, Kind.PUBLIC_HOLIDAY_IN}
)
"""Questions about times that Sigma does not know; the names are those that SEKOIA gave them."""
TIME_KINDS = EXTENDED_KINDS | {
    Kind.MINUTE, Kind.HOUR, Kind.DAY, Kind.WEEK, Kind.MONTH, Kind.YEAR
}  # fmt: skip
ORDER_KINDS = frozenset({Kind.LT, Kind.LTE, Kind.GT, Kind.GTE})

ANY_TEXT = "\0any"
"""The column of a keyword, every text of the event; no field has such a name."""


class Wildcard(Enum):
    """The parts of a glob that are no text."""

    MANY = 1
    ONE = 2


Glob = tuple[str | Wildcard, ...]
"""A text with wildcards, in parts."""
Literal = str | int | float | Glob
"""A value that a test compares with; in a field test, the other field's name."""


class Test(Struct, frozen=True, array_like=True, tag=True):
    """One question about one field; it holds if any of the literals answers it.

    `field` is as the rule wrote it, empty for a keyword; `column` is set by `resolving`.
    """

    field: str
    kind: Kind
    literals: tuple[Literal, ...] = ()
    cased: bool = False
    selection: str = ""
    column: str = ""
    zone: str = "UTC"
    """Time zone in which a time is looked at."""

    # pytest would take the class for a test case of its own.
    __test__ = False


class Constant(Struct, frozen=True, array_like=True, tag=True):
    """A condition whose answer does not depend on the event."""

    holds: bool


class Not(Struct, frozen=True, array_like=True, tag=True):
    """Holds where its part does not."""

    part: Condition


class And(Struct, frozen=True, array_like=True, tag=True):
    """Holds where all its parts hold."""

    parts: tuple[Condition, ...]


class Or(Struct, frozen=True, array_like=True, tag=True):
    """Holds where any of its parts holds."""

    parts: tuple[Condition, ...]


Condition = Test | Constant | Not | And | Or


def tests(condition: Condition) -> Iterator[Test]:
    """Every test of a condition, from left to right."""
    match condition:
        case Test():
            yield condition
        case Not(part):
            yield from tests(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from tests(part)


def asked(condition: Condition) -> Iterator[Test]:
    """The tests that something must pass: those that stand under no `not`."""
    match condition:
        case Test():
            yield condition
        case And(parts) | Or(parts):
            for part in parts:
                yield from asked(part)


def negated(part: Condition) -> Condition:
    """The opposite of a condition, without double negation."""
    match part:
        case Constant(holds):
            return Constant(not holds)
        case Not(inner):
            return inner
    return Not(part)


def conjunction(parts: tuple[Condition, ...]) -> Condition:
    """All of `parts`, folded: what is certain goes, one part stands for itself."""
    flat: list[Condition] = []
    for part in parts:
        flat += part.parts if isinstance(part, And) else (part,)
    if Constant(holds=False) in flat:
        return Constant(holds=False)
    rest = tuple(part for part in flat if part != Constant(holds=True))
    return And(rest) if len(rest) > 1 else (*rest, Constant(holds=True))[0]


def disjunction(parts: tuple[Condition, ...]) -> Condition:
    """Any of `parts`, folded; tests of one kind on one field become one test."""
    flat: list[Condition] = []
    for part in parts:
        flat += part.parts if isinstance(part, Or) else (part,)
    if Constant(holds=True) in flat:
        return Constant(holds=True)
    rest = _joined([part for part in flat if part != Constant(holds=False)])
    return Or(rest) if len(rest) > 1 else (*rest, Constant(holds=False))[0]


def _joined(parts: list[Condition]) -> tuple[Condition, ...]:
    joined: dict[object, Condition] = {}
    literals: dict[object, dict[Literal, None]] = {}
    for part in parts:
        key: object = part
        if isinstance(part, Test):
            key = (part.field, part.kind, part.cased, part.selection, part.column, part.zone)
            literals.setdefault(key, {}).update(dict.fromkeys(part.literals))
        joined.setdefault(key, part)
    return tuple(
        replace(part, literals=tuple(literals[key])) if isinstance(part, Test) else part
        for key, part in joined.items()
    )
