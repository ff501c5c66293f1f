"""Sigma detections, parsed by pySigma, become conditions."""

from __future__ import annotations

import re
from typing import Any, Final, cast

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
from sigma.policy import default_policy
from sigma.policy.regex_engine import RE2RegexEngine, RegexPattern
from sigma.rule import SigmaDetectionItem, SigmaRule
from sigma.types import (
    SigmaCasedString,
    SigmaExpansion,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
)

from detector.rulebook.conditions import (
    TIME_KINDS,
    Condition,
    Kind,
    Test,
    conjunction,
    disjunction,
    negated,
    tests,
)
from detector.rulebook.questions import pattern, question
from detector.rulebook.regexes import Unsupported, compiled

# What pySigma may raise besides its own errors when a rule is bent on purpose.
_FAILURES: Final = (SigmaError, TypeError, ValueError, AttributeError, LookupError, RecursionError)
_FLAGS: Final = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
_KEYWORD_KINDS: Final = frozenset({Kind.CONTAINS, Kind.GLOB, Kind.REGEX})
_NO_REGEX: Final = "this regular expression is not supported"
_Leaf = ConditionFieldEqualsValueExpression | ConditionValueExpression


class _QuietEngine(RE2RegexEngine):
    """pySigma's RE2, which else writes a line of its own to stderr where a pattern is wrong."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        options = self._re2.Options()
        options.log_errors = False
        letters = "".join(letter for flag, letter in _FLAGS.items() if flags & flag)
        whole = f"(?{letters}){pattern}" if letters else pattern
        return cast(RegexPattern, self._re2.compile(whole, options))


default_policy.regex_engine = _QuietEngine()


class CompileError(Exception):
    """A detection does not compile; the text says why, in one line."""


def check_item(key: str, value: Any) -> None:
    """Raise CompileError if one item of a selection (`field|modifiers: value`) is wrong."""
    try:
        item = SigmaDetectionItem.from_mapping(key, value)
        for part in item.value:
            for single in part.values if isinstance(part, SigmaExpansion) else [part]:
                if isinstance(single, SigmaRegularExpression):
                    compiled(pattern(single))
    except _FAILURES as error:
        raise CompileError(_one_line(error)) from error
    except Unsupported as error:
        raise CompileError(_NO_REGEX) from error


def compile_detection(detection: dict[str, Any], *, zone: str = "UTC") -> Condition:
    """The condition of a `detection:` mapping (selections and `condition:`).

    Parts of times are those of the clock in `zone`.
    """
    text = {"title": "rule", "logsource": {"product": "onepassword"}, "detection": detection}
    try:
        rule = SigmaRule.from_dict(text)
        condition = disjunction(tuple(_Compiler(zone).convert_rule(rule)))
        for test in tests(condition):
            if test.kind is Kind.REGEX:
                list(map(compiled, map(str, test.literals)))
    except _FAILURES as error:
        raise CompileError(_one_line(error)) from error
    except Unsupported as error:
        raise CompileError(_NO_REGEX) from error
    return condition


def _one_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + "…"


def _selection(leaf: _Leaf) -> str:
    """The name of the selection that a leaf stands in."""
    for parent in leaf.parent_chain():
        if isinstance(parent, ConditionIdentifier):
            return str(parent.identifier)
    return ""


def _field(leaf: _Leaf) -> str:
    return leaf.field if isinstance(leaf, ConditionFieldEqualsValueExpression) else ""


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
        kind, literal = question(value, keyword=keyword)
        if not _field(leaf) and kind not in _KEYWORD_KINDS:
            msg = "a keyword must be a text, a number or a regular expression"
            raise SigmaFeatureNotSupportedByBackendError(msg)
        cased = isinstance(value, SigmaCasedString)
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
