"""What speaks for an open hour: its events, and the most surprising values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from detector.anomaly.own_rows import Told
from detector.anomaly.part import Part
from detector.observations import ITEM

MOST_IDS: Final = 100


class Evidence(msgspec.Struct):
    """The events of a person's open hour, and by kind of value the most surprising one.

    `first` and `last` are the times of all events, in microseconds of UTC.
    """

    first: int = 0
    last: int = 0
    event_ids: list[str] = []
    event_seqs: list[int] = []
    oddest: dict[int, tuple[str, float]] = {}
    own: dict[int, Told] = {}
    """By declared feature the most surprising value."""

    def copy(self) -> Evidence:
        """The same, to which more can be added."""
        kept = self.event_ids.copy(), self.event_seqs.copy(), self.oddest.copy(), self.own.copy()
        return Evidence(self.first, self.last, *kept)

    def add_events(self, part: Part, rows: Sequence[int]) -> None:
        """Take in events; the ids of up to a hundred in all are kept."""
        page, times = part.page, [part.page.times[row] for row in rows]
        self.first, self.last = min(self.first or times[0], *times), max(self.last, *times)
        kept = rows[: max(0, MOST_IDS - len(self.event_ids))]
        self.event_ids += [page.ids[row] for row in kept]
        self.event_seqs += [page.seqs[row] for row in kept]

    def add_news(self, part: Part, places: Sequence[int]) -> None:
        """Take in values that were shown first; the first of equals stays."""
        news = part.news
        for place in places:
            kind, surprise = int(news.kinds[place]), float(part.surprise[place])
            if kind != ITEM and surprise > self.oddest.get(kind, ("", 0.0))[1]:
                self.oddest[kind] = (news.value(place), surprise)

    def add_own(self, feature: int, told: Told) -> None:
        """Take in a value of a declared feature; the first of equals stays."""
        if feature not in self.own or told.surprise > self.own[feature].surprise:
            self.own[feature] = told


def until(kept: Evidence | None, part: Part | None, line: int, upto: int) -> Evidence:
    """What speaks for a line: what earlier pages brought, and a part before a row."""
    found = kept.copy() if kept is not None else Evidence()
    if part is None:
        return found
    rows = part.rows[(part.owners == line) & (part.rows < upto)].tolist()
    if rows:
        found.add_events(part, rows)
    mine = (part.owners[part.places] == line) & (part.news.rows < upto)
    found.add_news(part, np.flatnonzero(mine).tolist())
    for owner, feature, told in _told(part, upto):
        if owner == line:
            found.add_own(feature, told)
    return found


def carry(kept: dict[int, Evidence], part: Part) -> None:
    """Keep what a whole part says, by line, beyond its page."""
    rows: dict[int, list[int]] = {}
    for line, row in zip(part.owners.tolist(), part.rows.tolist(), strict=True):
        rows.setdefault(line, []).append(row)
    news: dict[int, list[int]] = {}
    for place, line in enumerate(part.owners[part.places].tolist()):
        news.setdefault(line, []).append(place)
    for line, mine in rows.items():
        found = kept.setdefault(line, Evidence())
        found.add_events(part, mine)
        found.add_news(part, news.get(line, ()))
    for line, feature, told in _told(part, part.end):
        kept[line].add_own(feature, told)


def _told(part: Part, upto: int) -> Iterator[tuple[int, int, Told]]:
    """The values of declared features in the rows before one: the line, the feature, the value."""
    if part.own is None:
        return
    owners = part.owners_of(part.own.rows)
    for place, feature, told in part.own.told(upto):
        yield int(owners[place]), feature, told
