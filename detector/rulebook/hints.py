"""Hints at words that 1Password does not send: lists are open, so a hint is no mistake."""

from __future__ import annotations

from typing import Any

from detector.rulebook import sections
from detector.rulebook.documents import Path
from detector.rulebook.mistakes import quoted
from detector.rulebook.reports import Report
from detector.rulebook.schemas import of_feed
from detector.rulebook.vocabulary import WORDS


def hint_at_words(report: Report, path: Path, value: Any, feeds: tuple[str, ...]) -> None:
    """Warn of a misspelt action or type, and of a field that the feed never fills."""
    field, *modifiers = str(path[-1]).split("|")
    if len(feeds) == 1 and of_feed(feeds[0]).column(field) is None:
        report.odd(path, f"events of {feeds[0]} carry no {quoted(field)}", about=sections.FIELDS)
    if not set(modifiers) <= {"all", "cased", "neq"}:
        return
    words = _words(field, feeds)
    single = not isinstance(value, list)
    for index, word in enumerate([value] if single else value):
        if not words or not isinstance(word, str) or "*" in word or word.lower() in words:
            continue
        fix = report.guess(word, words)
        if fix:
            place = path if single else (*path, index)
            text = f"1Password sends no {quoted(word)} here, as far as is known"
            report.odd(place, text, fix, about=sections.WORDS)


def _words(field: str, feeds: tuple[str, ...]) -> frozenset[str]:
    """All that is known to stand in `field`; nothing if any feed has no list for it."""
    lists = [
        WORDS.get((feed, column), frozenset())
        for feed in feeds
        if (column := of_feed(feed).column(field))
    ]
    return frozenset().union(*lists) if all(lists) else frozenset()
