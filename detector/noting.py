"""What people show within one hour of the event clock: noted in the open hour, and what is new in it.

Facts settle at full hours only; until then what was shown is a lesson that waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detector.facts import Facts
from detector.known import Known
from detector.observations import PLACE, Observations
from detector.persons import OpenHour, shown_key


@dataclass(frozen=True, slots=True)
class News:
    """Values that rows of a page show first in the open hour, in log order: parallel lists.

    `days` are the distinct prior days on which the person showed the value, `others` how many
    other people are known to. `pairs` are those of the page, `texts` says their values.
    """

    rows: np.ndarray
    kinds: np.ndarray
    pairs: np.ndarray
    days: np.ndarray
    others: np.ndarray
    texts: Known

    def take(self, places: np.ndarray) -> News:
        """Those at some places."""
        rows, kinds, pairs = self.rows[places], self.kinds[places], self.pairs[places]
        return News(rows, kinds, pairs, self.days[places], self.others[places], self.texts)

    def value(self, place: int) -> str:
        """The value at a place of the lists."""
        return self.texts.text(int(self.pairs[place]))


def note(facts: Facts, page: Observations, known: Known, span: tuple[int, int]) -> News:
    """Note what rows of one hour of the clock show, and return what is new in it."""
    _attend(facts.hour, page, *span)
    rows, pairs = known.firsts(*span)
    if facts.hour.shown:
        unseen = _unseen(facts.hour, page, known, (rows, pairs))
        rows, pairs = rows[unseen], pairs[unseen]
    lines, crowds = known.lines[pairs], known.crowds(pairs)
    days, last = facts.ledger.seen(lines)
    kinds, others = known.kinds[known.what[pairs]], crowds - (days > 0)
    news = News(rows, kinds, pairs, days, others, known)
    _learn(facts.hour, page, news, (lines, last))
    return news


def carry(facts: Facts, page: Observations, known: Known, start: int) -> None:
    """Keep what was shown from row `start` to the page's end, while its hour goes on."""
    shown = known.firsts(start, len(page))
    facts.hour.shown |= dict.fromkeys(_keys(facts.hour, page, known, shown))


def _attend(hour: OpenHour, page: Observations, start: int, end: int) -> None:
    """Note who was active in rows that teach, how often and when."""
    low, high = np.searchsorted(page.lessons, (start, end))
    rows = page.lessons[low:high]
    who, first, count = np.unique(page.who[rows], return_index=True, return_counts=True)
    last = np.zeros(len(page.names), dtype=np.int64)
    np.maximum.at(last, page.who[rows], page.time_us[rows])
    order = np.argsort(first)
    came = zip(who[order].tolist(), rows[first[order]].tolist(), count[order].tolist(),
               last[who[order]].tolist(), strict=True)  # fmt: skip
    for person, row, events, newest in came:
        mine = hour.places.setdefault(page.names[person], len(hour.first))
        if mine == len(hour.first):
            hour.first.append(page.times[row])
            hour.last.append(newest)
            hour.events.append(events)
        else:
            hour.last[mine] = max(hour.last[mine], newest)
            hour.events[mine] += events


Shown = tuple[np.ndarray, np.ndarray]
"""Rows, and the pairs that they show first in an hour."""


def _unseen(hour: OpenHour, page: Observations, known: Known, shown: Shown) -> np.ndarray:
    """The places of what was not yet shown in the open hour."""
    return np.flatnonzero([key not in hour.shown for key in _keys(hour, page, known, shown)])


def _keys(hour: OpenHour, page: Observations, known: Known, shown: Shown) -> Iterator[str]:
    """The names under which the open hour keeps what was shown."""
    rows, pairs = shown
    who, kinds = page.who[rows].tolist(), known.kinds[known.what[pairs]].tolist()
    for person, kind, pair in zip(who, kinds, pairs.tolist(), strict=True):
        yield shown_key(hour.places[page.names[person]], kind, known.text(pair))


def _learn(
    hour: OpenHour, page: Observations, news: News, known: tuple[np.ndarray, np.ndarray]
) -> None:
    """Note what was not known, or not yet seen on its day: by lines and last days."""
    lines, last = known
    days, seqs, places = page.days[news.rows], news.rows + page.seqs[0], hour.places
    is_known = news.days > 0
    again, new = np.flatnonzero(is_known & (last < days)), np.flatnonzero(~is_known)
    hour.again.add(lines[again], seqs[again], days[again])
    lessons = hour.lessons
    lessons.learners += [places[page.names[who]] for who in page.who[news.rows[new]].tolist()]
    lessons.kinds += news.kinds[new].tolist()
    lessons.values += [news.value(place) for place in new.tolist()]
    lessons.seqs += seqs[new].tolist()
    lessons.days += days[new].tolist()
    for place in np.flatnonzero((news.kinds == PLACE) & (~is_known | (last < days))).tolist():
        hour.visitors.append(places[page.names[page.who[news.rows[place]]]])
        hour.visited.append(news.value(place))
