"""Filters: exceptions that are ANDed into the rules they name, until they expire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from detector.rulebook import sections
from detector.rulebook.conditions import Condition
from detector.rulebook.detections import read_detection
from detector.rulebook.documents import Path
from detector.rulebook.loaded import Exemption
from detector.rulebook.logsources import LogSource, read_feeds, read_source
from detector.rulebook.mistakes import quoted
from detector.rulebook.references import Register
from detector.rulebook.reports import Report

ANY = frozenset({"any"})
SOON: Final = timedelta(days=14)
"""How long before its end a filter warns."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition that must hold as well, for the rules of these ids (or `ANY`)."""

    report: Report
    condition: Condition
    feeds: tuple[str, ...]
    targets: frozenset[str]
    expires: date | None
    source: LogSource

    def covers(self, rule_id: str, feeds: tuple[str, ...], source: LogSource) -> bool:
        """True if the filter is for this rule."""
        if self.targets == ANY:
            return set(feeds) <= set(self.feeds) if feeds else self.source.covers(source)
        return rule_id in self.targets


def exemption(entry: Filter, today: date | None) -> Exemption:
    """The filter as it stands on that day."""
    head = entry.report.document
    rules = entry.report.at(("filter", "rules"))
    return Exemption(
        title=str(head.value.get("title", "")),
        rules=", ".join(map(str, rules)) if isinstance(rules, list) else str(rules),
        expires=entry.expires,
        over=today is not None and entry.expires is not None and entry.expires <= today,
        file=head.file,
    )


def read_filter(report: Report, register: Register) -> Filter | None:
    """The filter of a document, sound or not; null, and mistakes, if nothing can be made of it."""
    feeds = read_feeds(report)
    source = read_source(report)
    expires = _expires(report)
    condition = read_detection(report, feeds, "filter", frozenset({"rules"}))
    targets = _targets(report, register)
    _hint_at_not(report)
    if condition is None or source is None:
        return None
    return Filter(report, condition, feeds, targets, expires, source)


def _hint_at_not(report: Report) -> None:
    """Warn of a filter that keeps what it says, where it was to leave that out."""
    condition = report.at(("filter", "condition"))
    if isinstance(condition, str) and not re.search(r"\bnot\b", condition):
        text = "its rules go on only where this holds"
        fix = f"to leave that out, write 'not ({condition})'"
        report.odd(("filter", "condition"), text, fix, about=sections.FILTER)


def is_over(entry: Filter, today: date | None) -> bool:
    """True, and a warning, if the filter has expired by `today`; a warning if it soon will."""
    if today is None or entry.expires is None:
        return False
    if entry.expires <= today:
        entry.report.odd(("expires",), f"expired on {entry.expires}", "renew it or delete it")
        return True
    if entry.expires - today <= SOON:
        left = (entry.expires - today).days
        text = f"expires on {entry.expires}, in {left} day{'s' * (left != 1)}"
        entry.report.odd(("expires",), text, "renew it, or let it go")
    return False


def check_cover(entry: Filter, name: str, feeds: tuple[str, ...]) -> None:
    """Tell of a rule that the filter names, and its log source does not cover."""
    foreign = sorted(set(feeds) - set(entry.feeds))
    if foreign and not entry.report.spoilt(("logsource",)):
        text = f"does not cover {quoted(name)}, which looks at {', '.join(foreign)}"
        entry.report.wrong(("logsource",), text, "leave out 'service:'")


def _expires(report: Report) -> date | None:
    value = report.at(("expires",))
    if isinstance(value, datetime):
        return value.date()
    if value is None and "expires" not in report.document.value:
        return None
    if not isinstance(value, date):
        report.wrong(("expires",), f"{quoted(value)} is not a date", "write it like 2027-01-31")
        return None
    return value


def _targets(report: Report, register: Register) -> frozenset[str]:
    path: Path = ("filter", "rules")
    rules = report.at(path)
    if rules == "any":
        return ANY
    if isinstance(rules, str):
        places: list[Path] = [path]
    elif isinstance(rules, list) and rules:
        places = [(*path, index) for index in range(len(rules))]
    else:
        report.wrong(path, "the rules it is for are needed", "name them, or write 'rules: any'")
        return frozenset()
    found = (register.find(report, place) for place in places)
    return frozenset(draft.head.rule.id for draft in found if draft)
