"""One item of a selection, `field|modifiers: value`: all that can be wrong with it."""

from __future__ import annotations

import re
from typing import Any, Final

from detector import events
from detector.rulebook import sections
from detector.rulebook.compiling import CompileError, check_item
from detector.rulebook.conditions import TIME_KINDS
from detector.rulebook.documents import Path
from detector.rulebook.hints import hint_at_words
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.rulebook.modifiers import MODIFIERS
from detector.rulebook.reports import Report

_SYNTAX: Final = re.compile(r"^Expected .*\(at char (\d+)\)")
_UNFIT: Final = re.compile(r"Modifier \w+ incompatible to value type of '(.*)'")


def read_item(report: Report, path: Path, value: Any, feeds: tuple[str, ...]) -> None:
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
            _where_else(field) or did_you_mean(field, events.ours(known)),
            key=True,
            about=sections.FIELDS,
        )
    for modifier in modifiers:
        _check_modifier(report, path, modifier)
    for index, part in enumerate(value) if isinstance(value, list) else ():
        check_value(report, (*path, index), part)
    if not isinstance(value, list):
        check_value(report, path, value)
    if "fieldref" in modifiers and feeds:
        _check_references(report, path, value, known)
    if len(report.mistakes) > before:
        return
    problem = _problem(key, value)
    if problem:
        parts = value if isinstance(value, list) else []
        guilty = next((i for i, part in enumerate(parts) if _problem(key, part)), None)
        place = path if guilty is None else (*path, guilty)
        report.wrong(place, *in_our_words(problem), about=sections.MODIFIERS)
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


def in_our_words(problem: str) -> tuple[str, str]:
    """What is wrong and what to write instead, without the names of pySigma's classes."""
    if unfit := _UNFIT.match(problem):
        fix = "put the number in quotes" if unfit[1].isdigit() else ""
        return f"this modifier does not take the value '{unfit[1]}'", fix
    if syntax := _SYNTAX.search(problem):
        fix = "write it like 'selection and not 1 of filter_*'"
        return f"cannot be read after character {syntax[1]}", fix
    if "pipe syntax" in problem:
        fix = "write a correlation document, with 'group-by:', 'timespan:' and 'condition:'"
        return "an aggregation behind '|' is old Sigma, which is not supported", fix
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
    if modifier not in MODIFIERS:
        fix = did_you_mean(modifier, MODIFIERS)
        report.wrong(
            path, f"{quoted(modifier)} is not a modifier", fix, key=True, about=sections.MODIFIERS
        )


def check_value(report: Report, path: Path, value: Any) -> None:
    """Values that YAML does not read as they look: `NO`, `2026-01-31`, mappings."""
    written = report.document.literals.get(path, "")
    if isinstance(value, bool) and written.lower() not in {"true", "false"}:
        text = f"YAML reads {written} as {str(value).lower()}"
        report.wrong(path, text, f"write '{written}'", about=sections.VALUES)
    elif not isinstance(value, str | int | float | None):
        shown = written or type(value).__name__
        fix = "put it in quotes" if written else ""
        report.wrong(path, f"{quoted(shown)} is not a value", fix, about=sections.VALUES)


def _check_references(report: Report, path: Path, value: Any, known: frozenset[str]) -> None:
    for name in value if isinstance(value, list) else [value]:
        if name not in known:
            fix = did_you_mean(name, events.ours(known))
            report.wrong(path, f"{quoted(name)} is not a field", fix, about=sections.FIELDS)


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
            report.wrong(path, f"{quoted(field)} is a time", fix, key=True, about=sections.TIMES)
            return
        if dtype != events.TIME and parts & set(modifiers):
            report.wrong(path, f"{quoted(field)} is not a time", key=True, about=sections.TIMES)
            return
        if dtype != events.TEXT and {"cidr", "re"} & set(modifiers):
            report.wrong(path, f"{quoted(field)} is not a text", key=True, about=sections.MODIFIERS)
            return
