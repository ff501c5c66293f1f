"""Which columns the fields of a condition mean in one schema; fields that it lacks fold away."""

from __future__ import annotations

from msgspec.structs import replace

from detector.rulebook.conditions import (
    ANY_TEXT,
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
from detector.rulebook.schemas import Schema


def resolved(condition: Condition, schema: Schema) -> Condition:
    """The condition for events of one schema: columns in place of fields, folded."""
    match condition:
        case Test():
            return _test(condition, schema)
        case Not(part):
            return negated(resolved(part, schema))
        case And(parts):
            return conjunction(tuple(resolved(part, schema) for part in parts))
        case Or(parts):
            return disjunction(tuple(resolved(part, schema) for part in parts))
    return condition


def _test(test: Test, schema: Schema) -> Condition:
    if not test.field:
        return replace(test, column=ANY_TEXT)
    column = schema.column(test.field)
    if column is None:
        return Constant(holds=test.kind is Kind.NULL)
    if test.kind not in FIELD_KINDS:
        return replace(test, column=column)
    others = (schema.column(str(name)) for name in test.literals)
    known = tuple(name for name in others if name is not None)
    return replace(test, column=column, literals=known) if known else Constant(holds=False)
