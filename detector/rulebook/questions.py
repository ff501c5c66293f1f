"""What a value of a selection asks of its field, in the words of our conditions."""

from __future__ import annotations

from typing import Final

from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from detector.rulebook.conditions import Glob, Kind, Literal, Wildcard
from detector.rulebook.modifiers import AboutTime

_ORDERS: Final = {
    CompareOperators.LT: Kind.LT,
    CompareOperators.LTE: Kind.LTE,
    CompareOperators.GT: Kind.GT,
    CompareOperators.GTE: Kind.GTE,
}
_WILDCARDS: Final = {
    SpecialChars.WILDCARD_MULTI: Wildcard.MANY,
    SpecialChars.WILDCARD_SINGLE: Wildcard.ONE,
}


def question(value: SigmaType, *, keyword: bool) -> tuple[Kind, Literal | None]:
    """The kind of test that a value asks for, and what it compares with (null: with nothing)."""
    if isinstance(value, SigmaString):
        return _text_question(value, keyword=keyword)
    return _value_question(value)


def _value_question(value: SigmaType) -> tuple[Kind, Literal | None]:
    match value:
        case AboutTime():
            return value.kind, value.value
        case SigmaTimestampPart():
            return Kind[value.timestamp_part.name], value.number
        case SigmaNumber():
            return Kind.EQUALS, value.number
        case SigmaBool():
            return Kind.EQUALS, str(value.boolean).lower()
        case SigmaRegularExpression():
            return Kind.REGEX, pattern(value)
        case SigmaCIDRExpression():
            return Kind.CIDR, str(value.network)
        case SigmaCompareExpression():
            return _ORDERS[value.op], value.number.number
        case SigmaFieldReference():
            return _field_kind(value), value.field
        case SigmaNull():
            return Kind.NULL, None
    # SigmaExists is left: the caller negates `|exists: false`.
    return Kind.EXISTS, None


def pattern(expression: SigmaRegularExpression) -> str:
    """The regular expression with its flags inside."""
    flags = "".join(sorted(expression.sigma_to_re_flag[flag] for flag in expression.flags))
    return f"(?{flags}){expression.regexp}" if flags else str(expression.regexp)


def _glob(text: SigmaString) -> Glob:
    parts: list[str | Wildcard] = []
    for part in text.s:
        if isinstance(part, Placeholder):
            msg = "a placeholder has no value here"
            raise SigmaFeatureNotSupportedByBackendError(msg)
        parts.append(_WILDCARDS[part] if isinstance(part, SpecialChars) else part)
    return tuple(parts)


def _text_question(text: SigmaString, *, keyword: bool) -> tuple[Kind, Literal | None]:
    """The cheapest kind of test that asks what a text with wildcards asks.

    A keyword is looked for anywhere, as if it had a wildcard at both ends.
    """
    glob = _glob(text)
    if keyword:
        glob = (Wildcard.MANY, *glob, Wildcard.MANY)
        while glob[:2] == (Wildcard.MANY, Wildcard.MANY) and len(glob) > 1:
            glob = glob[1:]
        while glob[-2:] == (Wildcard.MANY, Wildcard.MANY) and len(glob) > 1:
            glob = glob[:-1]
    match glob:
        case ():
            return Kind.EQUALS, ""
        case (str(word),):
            return Kind.EQUALS, word
        case (Wildcard.MANY,):
            return Kind.EXISTS, None
        case (Wildcard.MANY, str(word), Wildcard.MANY):
            return Kind.CONTAINS, word
        case (str(word), Wildcard.MANY):
            return Kind.STARTS, word
        case (Wildcard.MANY, str(word)):
            return Kind.ENDS, word
    return Kind.GLOB, glob


def _field_kind(reference: SigmaFieldReference) -> Kind:
    match reference.starts_with, reference.ends_with:
        case True, True:
            return Kind.FIELD_CONTAINS
        case True, False:
            return Kind.FIELD_STARTS
        case False, True:
            return Kind.FIELD_ENDS
    return Kind.FIELD_EQUALS
