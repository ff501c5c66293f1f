"""Filters: exceptions that are ANDed into the rules they name, until they expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from detector.rulebook.conditions import Condition
from detector.rulebook.detections import read_detection
from detector.rulebook.documents import Path
from detector.rulebook.logsources import LogSource, read_feeds, read_source
from detector.rulebook.mistakes import quoted
from detector.rulebook.references import Register
from detector.rulebook.reports import Report

ANY = frozenset({"any"})


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


def read_filter(report: Report, register: Register) -> Filter | None:
    """The filter of a document; null, and mistakes, if it is none."""
    feeds = read_feeds(report)
    source = None if report.broken else read_source(report)
    expires = _expires(report)
    condition = read_detection(report, feeds, "filter", frozenset({"rules"}))
    targets = _targets(report, register)
    if report.broken or condition is None or source is None:
        return None
    return Filter(report, condition, feeds, targets, expires, source)


def is_over(entry: Filter, today: date | None) -> bool:
    """True, and a warning, if the filter has expired by `today`."""
    if today is None or entry.expires is None or entry.expires > today:
        return False
    entry.report.odd(("expires",), f"expired on {entry.expires}", "renew it or delete it")
    return True


def check_cover(entry: Filter, name: str, feeds: tuple[str, ...]) -> bool:
    """False, and a mistake, if the filter's log source does not cover a rule that it names."""
    foreign = sorted(set(feeds) - set(entry.feeds))
    if foreign:
        text = f"does not cover {quoted(name)}, which looks at {', '.join(foreign)}"
        entry.report.wrong(("logsource",), text, "leave out 'service:'")
    return not foreign


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
