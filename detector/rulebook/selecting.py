"""A question about events in the words of a Sigma selection: `field|modifier=value`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl
import yaml

from detector.rulebook.book import Rulebook
from detector.rulebook.loading import load
from detector.rulebook.vocabulary import PRODUCT

_ID: Final = "00000000-0000-4000-8000-000000000000"
_NUMERIC: Final = ("|lt", "|lte", "|gt", "|gte")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events are meant, or the mistakes in saying so."""

    rulebook: Rulebook
    mistakes: tuple[str, ...]

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The events of a page (columns of `events.SCHEMA`) that are meant."""
        return frame[self.rulebook.match(frame)[_ID]]


def select(terms: Iterable[str]) -> Selection:
    """Events for which every field has its value, or one of them where it is named twice.

    Fields are columns or raw 1Password names, values may have Sigma's wildcards.

    >>> select(["user.emale=ann@example.com"]).mistakes
    ("'user.emale' is not a field of any feed; did you mean 'user.email'?",)
    """
    detection: dict[str, list[str | int]] = {}
    mistakes = []
    for term in terms:
        field, equals, value = term.partition("=")
        if not (field and equals):
            mistakes.append(f"{term!r}: write field=value, like user.email=ann@example.com")
            continue
        number = field.endswith(_NUMERIC) and value.lstrip("-").isdigit()
        detection.setdefault(field, []).append(int(value) if number else value)
    document = {
        "title": "A question",
        "id": _ID,
        "level": "low",
        "logsource": {"product": PRODUCT},
        "detection": {"selection": detection, "condition": "selection"},
    }
    loaded = load({"question": yaml.safe_dump(document)}) if not mistakes else load({})
    mistakes += [_words(each.text, each.fix) for each in loaded.mistakes]
    return Selection(loaded.rulebook, tuple(mistakes))


def _words(text: str, fix: str) -> str:
    said = text.rpartition(": ")[2]
    return f"{said}; {fix}" if fix else said
