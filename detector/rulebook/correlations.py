"""`correlation:` documents: what they say, checked word by word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from typing import Any, Final

from detector.correlations.bounds import OPERATORS, Bounds, Masks
from detector.correlations.definition import WALKS
from detector.correlations.groups import MOST_KEPT
from detector.rulebook import truth
from detector.rulebook.documents import Path
from detector.rulebook.headers import read_span
from detector.rulebook.mistakes import nearest, quoted
from detector.rulebook.reports import Report

LONGEST_SPAN: Final = timedelta(days=30)
"""As long as the rolling window reaches (design.md 3, law 6)."""
MOST_RULES: Final = 12
"""Base rules of one correlation: a temporal one is a truth table over them."""
FURTHEST: Final = MOST_KEPT // 4
"""How far events of one group can be counted."""
KEYS: Final = ("type", "rules", "generate", "timespan", "group-by", "aliases", "condition")
_TEMPORAL: Final = frozenset({"temporal", "temporal_ordered"})
_WHOLE: Final = _TEMPORAL | {"event_count", "value_count"}


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a correlation document says, before its rules and fields are looked up."""

    kind: str
    rules: tuple[str, ...]
    places: tuple[Path, ...]
    """Where each of the rules is named."""
    span: timedelta
    group_by: tuple[str, ...]
    aliases: Mapping[str, Mapping[str, str]]
    asked: Bounds | Masks
    fields: tuple[str, ...]
    percent: float
    generate: bool


def read_correlation(report: Report) -> Sketch | None:
    """The sketch of a document; null, and mistakes, if nothing can be made of it.

    After a mistake it is as near as can be guessed, so that its rules and fields can be looked up.
    """
    if not isinstance(report.at(("correlation",)), dict):
        report.wrong(
            ("correlation",), "not a mapping", "write 'type:', 'rules:' and so on under it"
        )
        return None
    report.known_keys(("correlation",), KEYS)
    kind = report.at(("correlation", "type"))
    if not isinstance(kind, str) or kind not in WALKS:
        report.not_one_of(("correlation", "type"), kind, "a type of correlation", WALKS)
        kind = nearest(kind, WALKS) or ""
    rules, places = _rules(report, kind)
    span = _span(report)
    aliases = _aliases(report)
    asked = _asked(report, kind, rules) if rules or kind not in _TEMPORAL else None
    fields = _fields(report, kind)
    percent = _percent(report, kind)
    generate = report.at(("correlation", "generate"))
    if not isinstance(generate, bool | None):
        report.wrong(("correlation", "generate"), f"{quoted(generate)} is neither true nor false")
    group_by = report.texts(("correlation", "group-by"))
    asked, span = asked or Bounds((("gte", 1),)), span or LONGEST_SPAN
    return Sketch(
        kind, rules, places, span, group_by, aliases, asked, fields, percent, generate is True
    )


def _rules(report: Report, kind: str) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """The rules it looks at, and where each is named; a condition in words can name them."""
    path: Path = ("correlation", "rules")
    told, condition = report.at(path), report.at(("correlation", "condition"))
    if told is None and kind == "temporal" and isinstance(condition, str):
        path = ("correlation", "condition")
        try:
            named = tuple(truth.names(condition))
        except truth.Unreadable as error:
            report.wrong(path, str(error))
            return (), ()
        places: tuple[Path, ...] = (path,) * len(named)
    else:
        every = [(*path, at) for at in range(len(told))] if isinstance(told, list) else [path]
        places = tuple(place for place in every if report.text(place))
        named = tuple(str(report.at(place)) for place in places)
    if not named and not report.spoilt(path):
        report.wrong(path, "the rules that it looks at are needed", "name one or more")
    if len(named) > MOST_RULES:
        report.wrong(path, f"{len(named)} rules; {MOST_RULES} are the most", "split it")
        return (), ()
    return named, places


def _span(report: Report) -> timedelta | None:
    path: Path = ("correlation", "timespan")
    if report.at(path) is None:
        report.wrong(path, "is missing", "write it like 'timespan: 10m'")
        return None
    span = read_span(report, path)
    if span is not None and not timedelta() < span <= LONGEST_SPAN:
        text = f"{quoted(report.at(path))} is not more than 0 and at most {LONGEST_SPAN.days} days"
        report.wrong(path, text, "the window of events reaches no further")
    return span


def _aliases(report: Report) -> Mapping[str, Mapping[str, str]]:
    path: Path = ("correlation", "aliases")
    told = report.at(path)
    if told is None:
        return {}
    if not isinstance(told, dict) or not all(isinstance(each, dict) for each in told.values()):
        report.wrong(path, "not a mapping", "write 'alias: {rule: field}'")
        return {}
    return {
        alias: {rule: report.text((*path, alias, rule)) for rule in fields}
        for alias, fields in told.items()
    }


def _asked(report: Report, kind: str, rules: tuple[str, ...]) -> Bounds | Masks | None:
    path: Path = ("correlation", "condition")
    condition = report.at(path)
    if not kind and condition is None:
        return None
    if kind == "temporal_ordered":
        return _all_in_order(report, rules)
    if kind == "temporal" and condition is None:
        return Masks.of(len(rules), lambda seen: seen.bit_count() == len(rules), "all of them")
    if kind == "temporal" and isinstance(condition, str):
        return _in_words(report, condition, rules)
    if not isinstance(condition, dict):
        report.wrong(path, "a condition is needed", "write it like 'condition: {gte: 10}'")
        return None
    bounds = _bounds(report, kind)
    if bounds is None:
        return None
    if kind == "temporal":
        words = f"{bounds.words} of the rules"
        return _possible(
            report, Masks.of(len(rules), lambda seen: bounds.hold(seen.bit_count()), words)
        )
    if bounds.rising and bounds.hold(0):
        report.wrong(path, "always holds", "ask for one at least")
    return bounds


def _all_in_order(report: Report, rules: tuple[str, ...]) -> Bounds | None:
    """All rules, one after the other; nothing else can be asked of an order."""
    whole = Bounds((("gte", len(rules)),))
    path: Path = ("correlation", "condition")
    condition = report.at(path)
    if condition is not None and (
        not isinstance(condition, dict) or _bounds(report, "temporal") != whole
    ):
        report.wrong(
            path,
            "an ordered correlation asks for all its rules",
            f"leave it out, or write 'gte: {len(rules)}'",
        )
        return None
    return whole


def _in_words(report: Report, condition: str, rules: tuple[str, ...]) -> Masks | None:
    path: Path = ("correlation", "condition")
    try:
        accepts = truth.read(condition, rules)
        for rule in sorted(set(rules) - set(truth.names(condition))):
            report.wrong(
                path, f"does not use {quoted(rule)}", "use it, or leave it out of 'rules:'"
            )
    except truth.Unreadable as error:
        report.wrong(path, str(error), "write it like 'rule_a and not rule_b'")
        return None
    return _possible(report, Masks.of(len(rules), accepts, condition))


def _possible(report: Report, masks: Masks) -> Masks | None:
    """The masks, unless no event can fulfil them."""
    if any(masks.accepted - {0}):
        return masks
    report.wrong(("correlation", "condition"), "can never hold")
    return None


def _bounds(report: Report, kind: str) -> Bounds | None:
    path: Path = ("correlation", "condition")
    condition = report.at(path)
    report.known_keys(path, (*OPERATORS, "field", "percentile"))
    named = [name for name in OPERATORS if name in condition]
    if not named:
        report.wrong(path, "asks for nothing", f"write one of {', '.join(OPERATORS)}")
        return None
    wrong = [name for name in named if not _is_bound(condition[name], kind)]
    for name in wrong:
        what = "a number of 0 or more" if kind in _WHOLE else "a number"
        number = str(condition[name]).strip().isdecimal()
        fix = "write it without quotes" if number and isinstance(condition[name], str) else ""
        report.wrong((*path, name), f"{quoted(condition[name])} is not {what}", fix)
    if wrong:
        return None
    bounds = Bounds(tuple((name, condition[name]) for name in named))
    step = 1 if kind in _WHOLE else 0.5
    around = [bound + way for _, bound in bounds.pairs for way in (-step, 0, step)]
    if not any(bounds.hold(value) for value in around):
        report.wrong(path, f"can never hold: {bounds.words}")
        return None
    if kind in _WHOLE and max(bound for _, bound in bounds.pairs) > FURTHEST:
        report.wrong(path, f"no more than {FURTHEST:,} can be counted")
        return None
    return bounds


def _is_bound(value: Any, kind: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return False
    return kind not in _WHOLE or (isinstance(value, int) and value >= 0)


def _fields(report: Report, kind: str) -> tuple[str, ...]:
    """The field that is counted or summed; different values of several can be counted together."""
    if not isinstance(report.at(("correlation", "condition")), dict):
        return ()
    path: Path = ("correlation", "condition", "field")
    fields = report.texts(path)
    if not kind.startswith("value_"):
        if fields and kind:
            report.odd(
                path, f"{kind} counts events, not values", "use value_count, or leave it out"
            )
        return ()
    if not fields or (kind != "value_count" and len(fields) > 1):
        report.wrong(path, f"{kind} needs one field", "write it like 'field: item.id'")
    return fields


def _percent(report: Report, kind: str) -> float:
    path: Path = ("correlation", "condition", "percentile")
    told = report.at(path)
    if kind != "value_percentile":
        if told is not None and kind:
            report.odd(path, f"{kind} has no percentile", "leave it out")
        return 50
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= 100:
        fix = "write it like 'percentile: 95'; Sigma names no default"
        report.wrong(path, "a percentile of 0 to 100 is needed", fix)
        return 50
    return told
