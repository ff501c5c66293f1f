"""One item of a selection, `field|modifiers: value`: all that can be wrong with it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Final

from detector import events
from detector.rulebook import sections
from detector.rulebook.compiling import CompileError, check_item
from detector.rulebook.conditions import TIME_KINDS
from detector.rulebook.documents import Path
from detector.rulebook.hints import hint_at_item, values_of
from detector.rulebook.mistakes import did_you_mean, nearest, quoted
from detector.rulebook.modifiers import MODIFIERS
from detector.rulebook.reports import Report
from detector.rulebook.schemas import of_feed
from detector.rulebook.sigma_errors import of_item

_TIMES: Final = frozenset(kind.name.lower() for kind in TIME_KINDS)


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it was probably meant; whether its values are sound is not said."""

    path: Path
    value: Any
    field: str
    modifiers: list[str]


def read_item(report: Report, path: Path, value: Any, feeds: tuple[str, ...]) -> Item | None:
    """Check one `field|modifiers: value` of a selection; null if its values cannot be judged.

    Only `check_values` asks pySigma about them: that costs as much as to compile them.
    """
    if report.full:
        return None
    field, *written = str(path[-1]).split("|")
    known = _fields(feeds)
    is_known = field in known
    if field and feeds and not is_known:
        _report_unknown(report, path, field, feeds)
    modifiers = [meant for each in written if (meant := _modifier(report, path, each))]
    for place, part in values_of(path, value):
        check_value(report, place, part)
    if "fieldref" in modifiers and feeds:
        _check_references(report, path, value, known)
    if is_known and not _is_of_type(report, path, (field, modifiers), feeds):
        return None
    if is_known and modifiers == written:
        hint_at_item(report, path, value, feeds)
    return Item(path, value, field, modifiers)


def check_values(report: Report, item: Item) -> None:
    """Tell of every value that pySigma refuses, or of the whole item if it takes each alone."""
    path, value, modifiers = item.path, item.value, item.modifiers
    key = "|".join((item.field, *modifiers))
    problem = "" if report.spoilt(path) and not isinstance(value, list) else _problem(key, value)
    if not problem:
        return
    about = sections.TIMES if _TIMES & set(modifiers) else sections.MODIFIERS
    if not isinstance(value, list):
        report.wrong(path, *of_item(problem, modifiers), about=about)
        return
    told = report.spoilt(path)
    for place, part in values_of(path, value):
        if report.full:
            return
        if not report.spoilt(place) and (why := _problem(key, part)):
            told = True
            report.wrong(place, *of_item(why, modifiers), about=about)
    if not told:
        report.wrong(path, *of_item(problem, modifiers), about=about)


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


def _modifier(report: Report, path: Path, written: str) -> str | None:
    """The modifier that is written, or, after the mistake, that was meant; null if none is near."""
    if written in MODIFIERS:
        return written
    fix, meant = did_you_mean(written, MODIFIERS), nearest(written, MODIFIERS)
    if written.lower().removeprefix("to").startswith(("lower", "upper")):
        fix, meant = "leave it out: upper and lower case do not count", None
    text = f"{quoted(written)} is not a modifier"
    report.wrong(path, text, fix, key=True, about=sections.MODIFIERS)
    return meant


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


def _is_of_type(
    report: Report, path: Path, item: tuple[str, list[str]], feeds: tuple[str, ...]
) -> bool:
    """False, and a mistake, where a field cannot be asked so: of times there are parts only."""
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
            return False
        if dtype != events.TIME and parts & set(modifiers):
            report.wrong(path, f"{quoted(field)} is not a time", key=True, about=sections.TIMES)
            return False
        if dtype != events.TEXT and {"cidr", "re"} & set(modifiers):
            report.wrong(path, f"{quoted(field)} is not a text", key=True, about=sections.MODIFIERS)
            return False
    return True
