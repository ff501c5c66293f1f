"""Sigma detections, parsed by pySigma, become conditions. The only module that knows pySigma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, NoReturn, cast

import polars as pl
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import Backend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError, SigmaFeatureNotSupportedByBackendError
from sigma.modifiers import SigmaValueModifier, modifier_mapping
from sigma.rule import SigmaDetectionItem, SigmaRule
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from detector.rulebook import times
from detector.rulebook.conditions import (
    EXTENDED_KINDS,
    TIME_KINDS,
    Condition,
    Glob,
    Kind,
    Literal,
    Test,
    Wildcard,
    conjunction,
    disjunction,
    negated,
)

# What pySigma may raise besides its own errors when a rule is bent on purpose.
_FAILURES: Final = (SigmaError, TypeError, ValueError, AttributeError, LookupError, RecursionError)
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
_Leaf = ConditionFieldEqualsValueExpression | ConditionValueExpression


@dataclass(frozen=True)
class _AboutTime(SigmaType):
    """The value of a modifier that asks about time and is not Sigma's."""

    kind: Kind
    value: Literal


class _Extension(SigmaValueModifier[SigmaString | SigmaNumber, _AboutTime]):
    """A modifier that asks about the time in a time zone."""

    kind: ClassVar[Kind]

    def modify(self, val: SigmaString | SigmaNumber) -> _AboutTime:
        return _AboutTime(self.kind, times.literal(self.kind, val))


class _Expand(SigmaValueModifier[SigmaType, SigmaType]):
    """Takes values as they are: `placeholders.fill_in` has been there before."""

    def modify(self, val: SigmaType) -> SigmaType:
        return val


# pySigma has no other way to learn a modifier.
modifier_mapping["expand"] = _Expand
# Of two names that Sigma gives this one, pySigma 2.0 knows the other.
modifier_mapping["utf16le"] = modifier_mapping["wide"]
for _kind in EXTENDED_KINDS:
    _name = _kind.name.lower()
    modifier_mapping[_name] = type(_name, (_Extension,), {"kind": _kind})
MODIFIERS: Final = frozenset(modifier_mapping)
"""The Sigma modifiers that compile, and ours."""


class CompileError(Exception):
    """A detection does not compile; the text says why, in one line."""


def check_item(key: str, value: Any) -> None:
    """Raise CompileError if one item of a selection (`field|modifiers: value`) is wrong."""
    try:
        item = SigmaDetectionItem.from_mapping(key, value)
        for part in item.value:
            for single in part.values if isinstance(part, SigmaExpansion) else [part]:
                if isinstance(single, SigmaRegularExpression):
                    pl.Series([""]).str.contains(_pattern(single), strict=True)
    except _FAILURES as error:
        raise CompileError(_one_line(error)) from error
    except pl.exceptions.ComputeError as error:
        raise CompileError("this regular expression is not supported") from error


def compile_detection(detection: dict[str, Any], *, zone: str = "UTC") -> Condition:
    """The condition of a `detection:` mapping (selections and `condition:`).

    Parts of times are those of the clock in `zone`.
    """
    text = {"title": "rule", "logsource": {"product": "onepassword"}, "detection": detection}
    try:
        rule = SigmaRule.from_dict(text)
        conditions = _Compiler(zone).convert_rule(rule)
    except _FAILURES as error:
        raise CompileError(_one_line(error)) from error
    return disjunction(tuple(conditions))


def _one_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + "…"


def _pattern(expression: SigmaRegularExpression) -> str:
    flags = "".join(sorted(expression.sigma_to_re_flag[flag] for flag in expression.flags))
    return f"(?{flags}){expression.regexp}" if flags else str(expression.regexp)


def _selection(leaf: _Leaf) -> str:
    """The name of the selection that a leaf stands in."""
    for parent in leaf.parent_chain():
        if isinstance(parent, ConditionIdentifier):
            return str(parent.identifier)
    return ""


def _field(leaf: _Leaf) -> str:
    return leaf.field if isinstance(leaf, ConditionFieldEqualsValueExpression) else ""


def _refuse(text: str) -> NoReturn:
    raise SigmaFeatureNotSupportedByBackendError(text)


def _glob(text: SigmaString) -> Glob:
    parts: list[str | Wildcard] = []
    for part in text.s:
        if isinstance(part, Placeholder):
            _refuse("a placeholder has no value here")
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


class _Compiler(Backend):
    """pySigma walks the rule and calls one method for each kind of node."""

    name = "conditions"

    def __init__(self, zone: str) -> None:
        super().__init__()
        self._zone = zone

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> Condition:
        return disjunction(self._parts(cond, state))

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> Condition:
        return conjunction(self._parts(cond, state))

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Condition:
        (part,) = self._parts(cond, state)
        return negated(part)

    def _parts(self, cond: ConditionItem, state: ConversionState) -> tuple[Condition, ...]:
        return tuple(self.convert_condition(cast(Any, part), state) for part in cond.args)

    def convert_condition_field_eq_val(
        self,
        cond: ConditionFieldEqualsValueExpression,
        state: ConversionState,  # noqa: ARG002
    ) -> Condition:
        return self._leaf(cond, cond.value)

    def convert_condition_val(
        self,
        cond: ConditionValueExpression,
        state: ConversionState,  # noqa: ARG002
    ) -> Condition:
        return self._leaf(cond, cond.value)

    def _leaf(self, leaf: _Leaf, value: SigmaType) -> Condition:
        if isinstance(value, SigmaExpansion):
            return disjunction(tuple(self._leaf(leaf, part) for part in value.values))
        keyword = isinstance(leaf, ConditionValueExpression)
        if keyword and isinstance(value, SigmaNumber):
            value = SigmaString(str(value.number))
        if isinstance(value, SigmaString):
            kind, literal = _text_question(value, keyword=keyword)
            cased = isinstance(value, SigmaCasedString)
        else:
            kind, literal = _question(value)
            cased = False
        if not _field(leaf) and kind not in {Kind.CONTAINS, Kind.GLOB, Kind.REGEX}:
            _refuse("a keyword must be a text, a number or a regular expression")
        literals = () if literal is None else (literal,)
        zone = self._zone if kind in TIME_KINDS else "UTC"
        test = Test(_field(leaf), kind, literals, cased, _selection(leaf), zone=zone)
        return negated(test) if getattr(value, "exists", True) is False else test

    # What pySigma declares abstract and the two leaf methods above make needless.
    def _never(self, *_: object, **__: object) -> Any:
        raise NotImplementedError

    convert_condition_as_in_expression = _never
    convert_condition_field_eq_val_str = _never
    convert_condition_field_eq_val_str_case_sensitive = _never
    convert_condition_field_eq_val_num = _never
    convert_condition_field_eq_val_timestamp_part = _never
    convert_condition_field_eq_val_bool = _never
    convert_condition_field_eq_val_re = _never
    convert_condition_field_eq_val_cidr = _never
    convert_condition_field_compare_op_val = _never
    convert_condition_field_eq_field = _never
    convert_condition_field_eq_val_null = _never
    convert_condition_field_exists = _never
    convert_condition_field_not_exists = _never
    convert_condition_field_eq_query_expr = _never
    convert_condition_val_str = _never
    convert_condition_val_num = _never
    convert_condition_val_re = _never
    convert_condition_query_expr = _never
    convert_correlation_event_count_rule = _never
    convert_correlation_value_count_rule = _never
    convert_correlation_temporal_rule = _never
    convert_correlation_temporal_ordered_rule = _never
    convert_correlation_extended_temporal_rule = _never
    convert_correlation_extended_temporal_ordered_rule = _never
    convert_correlation_value_sum_rule = _never
    convert_correlation_value_avg_rule = _never
    convert_correlation_value_percentile_rule = _never
    convert_correlation_value_median_rule = _never


def _question(value: SigmaType) -> tuple[Kind, Literal | None]:
    """The test that a value which is no text asks for."""
    match value:
        case _AboutTime():
            return value.kind, value.value
        case SigmaTimestampPart():
            return Kind[value.timestamp_part.name], value.number
        case SigmaNumber():
            return Kind.EQUALS, value.number
        case SigmaBool():
            return Kind.EQUALS, str(value.boolean).lower()
        case SigmaRegularExpression():
            return Kind.REGEX, _pattern(value)
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


def _field_kind(reference: SigmaFieldReference) -> Kind:
    match reference.starts_with, reference.ends_with:
        case True, True:
            return Kind.FIELD_CONTAINS
        case True, False:
            return Kind.FIELD_STARTS
        case False, True:
            return Kind.FIELD_ENDS
    return Kind.FIELD_EQUALS
