"""Selections and conditions of `detection:` and `filter:`, checked item by item, then compiled."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from detector import events, workhours
from detector.rulebook import sections
from detector.rulebook.compiling import CompileError, compile_detection
from detector.rulebook.conditions import FIELD_KINDS, Condition, Constant, asked, tests
from detector.rulebook.documents import Path
from detector.rulebook.hints import hint_at_deed, hint_at_keyword
from detector.rulebook.items import Item, check_value, check_values, read_item
from detector.rulebook.logsources import feeds_with
from detector.rulebook.mistakes import quoted
from detector.rulebook.reports import MOST_MISTAKES, Report
from detector.rulebook.resolving import resolved
from detector.rulebook.schemas import of_feed
from detector.rulebook.sigma_errors import mended_condition, of_condition

LONGEST_CONDITION: Final = 2_000
DEEPEST_CONDITION: Final = 12
ANYTHING: Final[dict[str, Any]] = {"event.id": "?*"}
"""A selection that may hold or not in any feed: what stands for one that is wrong."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_-]+")


def read_detection(
    report: Report, feeds: tuple[str, ...], where: str, also: frozenset[str] = frozenset()
) -> Condition | None:
    """The condition at `where`; null, and mistakes, if nothing can be made of it.

    After a mistake it is as near as can be guessed: what is wrong in a selection may hold or not.
    `also` names keys beside the selections that are not ours to read.
    """
    detection = report.at((where,))
    if not isinstance(detection, dict):
        report.wrong((where,), "not a mapping", "name the selections, then 'condition:'")
        return None
    selections = {name: detection[name] for name in detection if name not in also | {"condition"}}
    items: list[Item] = []
    for name, selection in selections.items():
        _check_name(report, (where, name))
        items += _read_selection(report, (where, name), selection, feeds)
    _check_condition(report, (where, "condition"))
    if not selections:
        report.wrong((where,), "no selection is here")
    zone = _zone(report)
    asked = detection.get("condition")
    if not report.spoilt((where,)):
        with suppress(CompileError):
            condition = compile_detection(selections | {"condition": asked}, zone=zone)
            _check_use(report, where, selections, {test.selection for test in tests(condition)})
            return condition
    for item in items:
        check_values(report, item)
    return _guessed(report, where, selections, zone)


def _guessed(
    report: Report, where: str, selections: Mapping[str, Any], zone: str
) -> Condition | None:
    """The condition at `where` as it may have been meant, after telling all that is wrong with it."""
    path: Path = (where, "condition")
    told = report.at(path)
    if report.spoilt(path) or not selections:
        return None
    meant: dict[str, str] = {}
    texts = [_mended(report, path, (text, list(selections)), meant)
             for text in (told if isinstance(told, list) else [told])]  # fmt: skip
    sound = {name: _sound(report, (where, name), part) for name, part in selections.items()}
    sound |= {name: sound.get(near, ANYTHING) for name, near in meant.items()}
    if not all(texts):
        return None
    try:
        condition = compile_detection(sound | {"condition": texts}, zone=zone)
    except CompileError as error:
        report.wrong(path, *of_condition(str(error), told, list(selections)))
        return None
    if all(meant.values()):
        used = {test.selection for test in tests(condition)}
        _check_use(report, where, selections, used | set(meant.values()))
    return condition


def _mended(
    report: Report, path: Path, said: tuple[str, Collection[str]], meant: dict[str, str]
) -> str | None:
    """A condition that can be read, after telling why the one that is said (of these selections) cannot.

    The names of no selection are added to `meant`, each with the nearest that is one, or none.
    """
    text, selections = said
    for _ in range(MOST_MISTAKES):
        stubs = dict.fromkeys((*selections, *meant), ANYTHING)
        try:
            compile_detection(stubs | {"condition": text})
        except CompileError as error:
            report.wrong(path, *of_condition(str(error), text, selections))
            better, names = mended_condition(str(error), text, selections)
            if better == text and names.keys() <= stubs.keys():
                return None
            text = better
            meant |= names
        else:
            return text
    return None


def _sound(report: Report, path: Path, part: Any) -> Any:
    """A part of a selection in which all that is wrong may hold or not."""
    if not report.spoilt(path):
        return part
    if isinstance(part, list) and part:
        return [_sound(report, (*path, index), each) for index, each in enumerate(part)]
    if isinstance(part, dict):
        sound = {key: part[key] for key in part if not report.spoilt((*path, key), key=True)}
        return sound | ANYTHING
    return ANYTHING


def feeds_of(
    report: Report, condition: Condition | None, feeds: tuple[str, ...]
) -> tuple[str, ...]:
    """The feeds in which a condition can hold: without `service:`, those with all its fields.

    A field of which it is only said what it is not may be missing, unless there is no other. None,
    and no mistake, if the rule looks at another product's events.
    """
    if not feeds or condition is None:
        return feeds
    told = tuple(asked(condition)) or tuple(tests(condition))
    names = {test.field for test in told if test.field}
    for test in told:
        if test.kind in FIELD_KINDS:
            names |= set(map(str, test.literals))
    if report.broken:
        names -= set(ANYTHING)
    chosen = feeds if len(feeds) == 1 else feeds_with(names, feeds)
    if not chosen:
        text = f"no feed has all of {', '.join(sorted(names))}"
        report.wrong(("detection",), text, key=True, about=sections.FIELDS)
        return ()
    able = tuple(
        feed for feed in chosen if resolved(condition, of_feed(feed)) != Constant(holds=False)
    )
    if not able:
        missing = sorted(names - {name for name in names if feeds_with([name], chosen)})
        lacks = f": its events carry no {', '.join(missing)}" if missing else ""
        text = f"can never hold in {chosen[0]}{lacks}"
        report.wrong(("detection",), text, key=True, about=sections.FIELDS)
    return able


def _zone(report: Report) -> str:
    """The time zone in which a document looks at times."""
    if "timezone" not in report.document.value:
        return "UTC"
    name = report.text(("timezone",))
    if workhours.zone(name) is None:
        report.wrong(
            ("timezone",), f"{quoted(name)} is no IANA time zone", "write it like Europe/Paris"
        )
    return name


def _check_name(report: Report, path: Path) -> None:
    name = str(path[-1])
    if name == "timeframe":
        fix = "write a correlation document with 'timespan:'"
        report.wrong(path, "old Sigma, which is not supported", fix, key=True)
    elif not _IDENTIFIER.fullmatch(name):
        # Sigma has files with such names, which a pattern like `1 of sel*` still finds.
        report.odd(path, f"a condition cannot name {quoted(name)}", "use letters, digits, '_', '-'")


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


def _read_selection(
    report: Report, path: Path, selection: Any, feeds: tuple[str, ...]
) -> Iterator[Item]:
    if isinstance(selection, dict):
        if not selection:
            report.wrong(path, "empty")
        for key, value in selection.items():
            item = read_item(report, (*path, key), value, feeds)
            if item is not None:
                yield item
        if feeds == (events.AUDIT,):
            hint_at_deed(report, path, selection)
    elif isinstance(selection, list):
        if not selection:
            report.wrong(path, "empty")
        for index, part in enumerate(selection):
            yield from _read_selection(report, (*path, index), part, feeds)
    elif selection is None:
        report.wrong(path, "is empty", "name fields and their values under it")
    else:
        check_value(report, path, selection)
        hint_at_keyword(report, path, selection, feeds)


def _check_use(
    report: Report, where: str, selections: Collection[str], used: Collection[str]
) -> None:
    for name in selections:
        if name not in used:
            report.odd((where, name), "the condition does not use this selection")
