"""One item of a selection, `field|modifiers: value`: all that can be wrong with it."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from detector import events
from detector.rulebook import sections
from detector.rulebook.compiling import CompileError, check_item
from detector.rulebook.conditions import TIME_KINDS
from detector.rulebook.documents import Path
from detector.rulebook.hints import hint_at_item, values_of
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.rulebook.modifiers import MODIFIERS
from detector.rulebook.reports import Report
from detector.rulebook.schemas import of_feed
from detector.rulebook.sigma_errors import of_item

_TIMES: Final = frozenset(kind.name.lower() for kind in TIME_KINDS)


def read_item(report: Report, path: Path, value: Any, feeds: tuple[str, ...]) -> None:
    """Check one `field|modifiers: value` of a selection, and say all that is wrong with it."""
    if report.full:
        return
    before = len(report.mistakes)
    key = str(path[-1])
    field, *modifiers = key.split("|")
    known = _fields(feeds)
    if field and feeds and field not in known:
        _report_unknown(report, path, field, feeds)
    for modifier in modifiers:
        _check_modifier(report, path, modifier)
    for place, part in values_of(path, value):
        check_value(report, place, part)
    if "fieldref" in modifiers and feeds:
        _check_references(report, path, value, known)
    if len(report.mistakes) == before and field and feeds:
        _check_type(report, path, (field, modifiers), feeds)
    if len(report.mistakes) > before:
        return
    problem = _problem(key, value)
    if problem:
        parts = value if isinstance(value, list) else []
        guilty = next((i for i, part in enumerate(parts) if _problem(key, part)), None)
        place = path if guilty is None else (*path, guilty)
        about = sections.TIMES if _TIMES & set(modifiers) else sections.MODIFIERS
        report.wrong(place, *of_item(problem, modifiers), about=about)
        return
    if field and feeds:
        hint_at_item(report, path, value, feeds)


def _report_unknown(report: Report, path: Path, field: str, feeds: tuple[str, ...]) -> None:
    known = _fields(feeds)
    carried = {name for feed in feeds for name in known if of_feed(feed).column(name)}
    fix = where_else(field, carried) or did_you_mean(field, events.ours(known))
    text = f"{quoted(field)} is not a field of {_named(feeds)}"
    report.wrong(path, text, fix, key=True, about=sections.FIELDS)


def _problem(key: str, value: Any) -> str:
    """Why pySigma or polars refuses an item; empty if they take it."""
    try:
        check_item(key, value)
    except CompileError as error:
        return str(error)
    return ""


def _fields(feeds: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(events.fields(feed) for feed in feeds))


def where_else(field: object, known: Container[str]) -> str:
    """The fix for a name that other feeds have: the name that means the same here, if there is one."""
    others = [feed for feed in events.FEEDS if field in events.fields(feed)]
    if not others:
        return ""
    column = events.fields(others[0])[str(field)]
    write = f"write {column!r}" if column in known else ""
    if len(others) == len(events.FEEDS):
        return write
    return f"it is one of {' and '.join(others)}{f', here {write}' if write else ''}"


def _named(feeds: tuple[str, ...]) -> str:
    return feeds[0] if len(feeds) == 1 else "any feed"


def _check_modifier(report: Report, path: Path, modifier: str) -> None:
    if modifier not in MODIFIERS:
        fix = did_you_mean(modifier, MODIFIERS)
        if modifier.lower().removeprefix("to").startswith(("lower", "upper")):
            fix = "leave it out: upper and lower case do not count"
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
        if not isinstance(name, str) or name not in known:
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
            fix = "use |hour, |timerange, |day_of_week, another part of times, or |exists"
            report.wrong(path, f"{quoted(field)} is a time", fix, key=True, about=sections.TIMES)
            return
        if dtype != events.TIME and parts & set(modifiers):
            report.wrong(path, f"{quoted(field)} is not a time", key=True, about=sections.TIMES)
            return
        if dtype != events.TEXT and {"cidr", "re"} & set(modifiers):
            report.wrong(path, f"{quoted(field)} is not a text", key=True, about=sections.MODIFIERS)
            return
