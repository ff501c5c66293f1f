"""Selections and conditions of `detection:` and `filter:`, checked item by item, then compiled."""

from __future__ import annotations

import re
from typing import Any, Final

from detector import events
from detector.rulebook.compiling import (
    MODIFIERS,
    UNSUPPORTED,
    CompileError,
    check_item,
    compile_detection,
)
from detector.rulebook.conditions import (
    FIELD_KINDS,
    TIME_KINDS,
    Condition,
    Constant,
    tests,
)
from detector.rulebook.documents import Path
from detector.rulebook.hints import hint_at_words
from detector.rulebook.logsources import feeds_with
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.rulebook.reports import Report
from detector.rulebook.resolving import resolved

LONGEST_CONDITION: Final = 2_000
DEEPEST_CONDITION: Final = 12
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_-]+")
_SYNTAX: Final = re.compile(r"^Expected .*\(at char (\d+)\)")
_UNFIT: Final = re.compile(r"Modifier \w+ incompatible to value type of '(.*)'")
_EXTENSIONS: Final = ("timerange", "day_of_week", "day_of_year", "public_holiday_in")


def read_detection(
    report: Report, feeds: tuple[str, ...], where: str, also: frozenset[str] = frozenset()
) -> Condition | None:
    """The condition at `where`; null, and mistakes, if it does not compile.

    `also` names keys beside the selections that are not ours to read.
    """
    detection = report.at((where,))
    if not isinstance(detection, dict):
        report.wrong((where,), "not a mapping", "name the selections, then 'condition:'")
        return None
    before = len(report.mistakes)
    selections = {name: detection[name] for name in detection if name not in also | {"condition"}}
    for name, selection in selections.items():
        _check_name(report, (where, name))
        _check_selection(report, (where, name), selection, feeds)
    _check_condition(report, (where, "condition"))
    if not selections:
        report.wrong((where,), "no selection is here")
    if len(report.mistakes) > before or not feeds:
        return None
    try:
        condition = compile_detection(selections | {"condition": detection["condition"]})
    except CompileError as error:
        report.wrong((where, "condition"), *_in_our_words(str(error)))
        return None
    _check_use(report, where, selections, condition)
    return condition


def feeds_of(report: Report, condition: Condition, feeds: tuple[str, ...]) -> tuple[str, ...]:
    """The feeds in which a condition can hold: without `service:`, those with all its fields."""
    names = {test.field for test in tests(condition) if test.field}
    for test in tests(condition):
        if test.kind in FIELD_KINDS:
            names |= set(map(str, test.literals))
    chosen = feeds if len(feeds) == 1 else feeds_with(names, feeds)
    if not chosen:
        report.wrong(("detection",), f"no feed has all of {', '.join(sorted(names))}", key=True)
        return ()
    able = tuple(feed for feed in chosen if resolved(condition, feed) != Constant(holds=False))
    if not able:
        missing = sorted(names - {name for name in names if feeds_with([name], chosen)})
        lacks = f": its events carry no {', '.join(missing)}" if missing else ""
        report.wrong(("detection",), f"can never hold in {chosen[0]}{lacks}", key=True)
    return able


def _check_name(report: Report, path: Path) -> None:
    name = str(path[-1])
    if name == "timeframe":
        fix = "write a correlation document with 'timespan:'"
        report.wrong(path, "old Sigma, which is not supported", fix, key=True)
    elif not _IDENTIFIER.fullmatch(name):
        fix = "use letters, digits, '_' and '-'"
        report.wrong(path, f"{quoted(name)} is not a name of a selection", fix, key=True)


def _check_condition(report: Report, path: Path) -> None:
    condition = report.at(path)
    if condition is None:
        report.wrong(path, "condition is missing", "add 'condition: selection'")
        return
    for text in condition if isinstance(condition, list) else [condition]:
        if not isinstance(text, str):
            report.wrong(path, f"{quoted(text)} is not a condition", "put it in quotes")
        elif len(text) > LONGEST_CONDITION or text.count("(") > DEEPEST_CONDITION:
            most = f"{LONGEST_CONDITION} characters, {DEEPEST_CONDITION} brackets"
            report.wrong(path, f"too long: at most {most}", "split the rule")


def _check_selection(report: Report, path: Path, selection: Any, feeds: tuple[str, ...]) -> None:
    if isinstance(selection, dict):
        if not selection:
            report.wrong(path, "empty")
        for key, value in selection.items():
            _check_item(report, (*path, key), value, feeds)
    elif isinstance(selection, list):
        if not selection:
            report.wrong(path, "empty")
        for index, part in enumerate(selection):
            _check_selection(report, (*path, index), part, feeds)
    else:
        _check_value(report, path, selection)


def _check_item(report: Report, path: Path, value: Any, feeds: tuple[str, ...]) -> None:
    """Check one `field|modifiers: value` of a selection, and say all that is wrong with it."""
    if report.full:
        return
    before = len(report.mistakes)
    key = str(path[-1])
    field, *modifiers = key.split("|")
    known = _fields(feeds)
    if field and feeds and field not in known:
        report.wrong(
            path,
            f"{quoted(field)} is not a field of {_named(feeds)}",
            _where_else(field) or did_you_mean(field, known),
            key=True,
        )
    for modifier in modifiers:
        _check_modifier(report, path, modifier)
    for index, part in enumerate(value) if isinstance(value, list) else ():
        _check_value(report, (*path, index), part)
    if not isinstance(value, list):
        _check_value(report, path, value)
    if "fieldref" in modifiers and feeds:
        _check_references(report, path, value, known)
    if len(report.mistakes) > before:
        return
    problem = _problem(key, value)
    if problem:
        parts = value if isinstance(value, list) else []
        guilty = next((i for i, part in enumerate(parts) if _problem(key, part)), None)
        place = path if guilty is None else (*path, guilty)
        report.wrong(place, *_in_our_words(problem))
        return
    if field and feeds:
        _check_type(report, path, (field, modifiers), feeds)
        hint_at_words(report, path, value, feeds)


def _problem(key: str, value: Any) -> str:
    """Why pySigma or polars refuses an item; empty if they take it."""
    try:
        check_item(key, value)
    except CompileError as error:
        return str(error)
    return ""


def _in_our_words(problem: str) -> tuple[str, str]:
    """What is wrong and what to write instead, without the names of pySigma's classes."""
    if unfit := _UNFIT.match(problem):
        fix = "put the number in quotes" if unfit[1].isdigit() else ""
        return f"this modifier does not take the value '{unfit[1]}'", fix
    if syntax := _SYNTAX.search(problem):
        fix = "write it like 'selection and not 1 of filter_*'"
        return f"cannot be read after character {syntax[1]}", fix
    if "invalid perl operator" in problem:
        return "this regular expression looks around, which is not supported", ""
    return problem.replace(": b'", ": '"), ""


def _fields(feeds: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(events.fields(feed) for feed in feeds))


def _where_else(field: str) -> str:
    others = [feed for feed in events.FEEDS if field in events.fields(feed)]
    return f"it is one of {' and '.join(others)}" if others else ""


def _named(feeds: tuple[str, ...]) -> str:
    return feeds[0] if len(feeds) == 1 else "any feed"


def _check_modifier(report: Report, path: Path, modifier: str) -> None:
    if modifier in MODIFIERS:
        return
    if modifier in UNSUPPORTED or modifier in _EXTENSIONS:
        why = UNSUPPORTED.get(modifier, "it is an extension")
        report.wrong(path, f"modifier '{modifier}' is not supported yet ({why})", key=True)
    else:
        fix = did_you_mean(modifier, MODIFIERS)
        report.wrong(path, f"{quoted(modifier)} is not a modifier", fix, key=True)


def _check_value(report: Report, path: Path, value: Any) -> None:
    """Values that YAML does not read as they look: `NO`, `2026-01-31`, mappings."""
    written = report.document.literals.get(path, "")
    if isinstance(value, bool) and written.lower() not in {"true", "false"}:
        report.wrong(path, f"YAML reads {written} as {str(value).lower()}", f"write '{written}'")
    elif not isinstance(value, str | int | float | None):
        shown = written or type(value).__name__
        report.wrong(path, f"{quoted(shown)} is not a value", "put it in quotes" if written else "")


def _check_references(report: Report, path: Path, value: Any, known: frozenset[str]) -> None:
    for name in value if isinstance(value, list) else [value]:
        if name not in known:
            report.wrong(path, f"{quoted(name)} is not a field", did_you_mean(name, known))


def _check_type(
    report: Report, path: Path, item: tuple[str, list[str]], feeds: tuple[str, ...]
) -> None:
    """Times have parts and order only; texts and numbers have no time parts."""
    field, modifiers = item
    parts = {kind.name.lower() for kind in TIME_KINDS}
    for feed in feeds:
        dtype = events.SCHEMA.get(events.fields(feed).get(field, ""))
        if dtype is None:
            continue
        timely = bool(parts & set(modifiers)) or "exists" in modifiers or report.at(path) is None
        if dtype == events.TIME and not timely:
            fix = "use |hour, |day, |week, |month, |year or |exists"
            report.wrong(path, f"{quoted(field)} is a time", fix, key=True)
            return
        if dtype != events.TIME and parts & set(modifiers):
            report.wrong(path, f"{quoted(field)} is not a time", key=True)
            return
        if dtype != events.TEXT and {"cidr", "re"} & set(modifiers):
            report.wrong(path, f"{quoted(field)} is not a text", key=True)
            return


def _check_use(
    report: Report, where: str, selections: dict[str, Any], condition: Condition
) -> None:
    used = {test.selection for test in tests(condition)}
    for name in selections:
        if name not in used:
            report.odd((where, name), "the condition does not use this selection")
