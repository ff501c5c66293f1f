"""Silences in a file of the operator's repository: longer ones than people make, each reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from detector.delivery.commands import Refused
from detector.delivery.journal import How
from detector.delivery.silences import Silence, matcher, silence
from detector.doubts import Known, doubt
from detector.rulebook import documents, sections
from detector.rulebook.mistakes import Mistake, quoted
from detector.rulebook.reports import Report

LONGEST: Final = timedelta(days=366)
"""From its start, or from now where the file names none."""
_KEYS: Final = ("match", "author", "reason", "starts", "until")
_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says: its silences that are not over, every mistake in it, and what means nothing."""

    silences: tuple[Silence, ...]
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...] = ()


def read(file: str, text: str, now: datetime, words: Known | None = None) -> Read:
    """Read a file with the one key `silences`, a list of tables.

    With `words`, what they know nothing of is warned of.
    """
    reading = documents.read(file, text)
    mistakes, found = list(reading.mistakes), list[Silence]()
    warnings: list[Mistake] = []
    for document in reading.documents:
        report = Report(document, about=sections.SILENCES)
        # Read before a misspelt key is taken for the right one: that must silence nothing.
        entries = report.at(("silences",))
        report.known_keys((), ("silences",))
        if not isinstance(entries, list):
            if not report.broken:
                report.wrong(("silences",), "is not a list of silences")
            entries = []
        for place in range(len(entries)):
            made = _silence(report, place, now)
            if made is not None and made.until > now:
                found.append(made)
                _doubt(report, place, words)
        mistakes += report.mistakes
        warnings += report.warnings
    return Read(tuple(found), tuple(mistakes), tuple(warnings))


def _doubt(report: Report, place: int, words: Known | None) -> None:
    at = ("silences", place, "match")
    for number, text in enumerate(report.texts(at) if words else ()):
        if words and (found := doubt(matcher(text), words)):
            report.odd((*at, number), found)


def _silence(report: Report, place: int, now: datetime) -> Silence | None:
    at = ("silences", place)
    before = len(report.mistakes)
    report.known_keys(at, _KEYS)
    matchers = report.texts((*at, "match"))
    author, reason = report.text((*at, "author")), report.text((*at, "reason"))
    starts, until = _time(report, place, "starts"), _time(report, place, "until")
    if until is None and len(report.mistakes) == before:
        report.wrong(at, "until is missing", "every silence ends: write until: 2026-12-31")
    if until is None or len(report.mistakes) > before:
        return None
    if until - (starts or now) > LONGEST:
        report.wrong((*at, "until"), f"is more than {LONGEST.days} days away", "say so again then")
        return None
    span = (starts or _ALWAYS, until)
    try:
        return silence(matchers, author=author, reason=reason, span=span, how=How.FILE)
    except Refused as refusal:
        report.wrong(at, str(refusal))
        return None


def _time(report: Report, place: int, key: str) -> datetime | None:
    """A time or a date, the latter its midnight; UTC unless it says otherwise."""
    path = ("silences", place, key)
    value = report.at(path)
    if value is None:
        return None
    try:
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(0))
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        report.wrong(path, f"{quoted(value)} is no time", "write it like 2026-03-01")
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
